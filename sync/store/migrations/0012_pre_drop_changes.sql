-- The feed is kept for a while, month by month; what was dropped stands in the audit, so that a gap is not a loss.

create function drop_changes(before timestamptz) returns bigint
    language plpgsql security definer set search_path = public
    as $$
declare
    month     record;
    highest   bigint;
    published bigint := coalesce((select sequence from relay_progress where topic = 'uscc.changes'), 0);
    tip       bigint := coalesce((select value from sequence_counter where name = 'changes'), 0);
    through   bigint := 0;
begin
    for month in
        select c.relname as part,
               (to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month') at time zone 'UTC' as ends
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'change'::regclass
        order by c.relname
    loop
        exit when month.ends > before;
        execute format('select max(sequence) from %I', month.part) into highest;
        -- The last change stays whatever its age: the tip is told from it. And nothing goes before it is on its topic.
        exit when highest >= tip or highest > published;
        execute format('drop table %I', month.part);
        if highest is not null then
            through := highest;
            insert into audit (actor, action, subject, detail)
            values ('program', 'changes_dropped', month.part,
                    jsonb_build_object('through', highest, 'recorded_before', month.ends));
        end if;
    end loop;
    return through;
end $$;
comment on function drop_changes is
    'Drops the months of the feed that ended before an instant, oldest first; returns the last sequence dropped, or 0.';

revoke all on function drop_changes(timestamptz) from public;
grant execute on function drop_changes(timestamptz) to uscc_job;
