-- Changes lie as they are. Two in three are longer than 2 KB, where PostgreSQL begins to compress: that took as long as all
-- else about them, under the writer's lock, and again at every reading.
create or replace function ensure_month(instant timestamptz) returns date
    language plpgsql security definer set search_path = public as $$
declare
    first date := date_trunc('month', instant at time zone 'UTC')::date;
    next  date := (first + interval '1 month')::date;
    name  text;
    part  text;
begin
    foreach name in array array['disposition', 'raw_message', 'registration_version', 'change'] loop
        part := name || to_char(first, '_YYYYMM');
        if to_regclass(part) is null then
            execute format('create table %I partition of %I for values from (%L) to (%L) %s',
                           part, name, first || ' 00:00:00+00', next || ' 00:00:00+00',
                           case when name = 'change' then 'with (toast_tuple_target = 8160)' end);
            execute format('create trigger never_truncated before truncate on %I for each statement execute function refuse_rewriting()', part);
        end if;
    end loop;
    return first;
end $$;

do $$
declare
    part regclass;
begin
    for part in select inhrelid from pg_inherits where inhparent = 'change'::regclass loop
        execute format('alter table %s set (toast_tuple_target = 8160)', part);
    end loop;
end $$;
