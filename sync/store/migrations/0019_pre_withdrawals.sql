-- What was allocated or allowed can be taken back, and both stay in the history with who, when and why.

-- An allocation that was withdrawn judges nothing from then on, and its bodies can be allocated again.
create table code_segment_withdrawal (
    segment_id   bigint      primary key references code_segment,
    withdrawn_at timestamptz not null,
    withdrawn_by text        not null,
    reason       text        not null
);
alter table code_segment drop constraint code_segment_first_body_key;
create view allocated_segment as
select s.* from code_segment s
where not exists (select from code_segment_withdrawal w where w.segment_id = s.segment_id);

-- A conflict whose allowance ended holds records again; the same two codes can be allowed once more.
alter table allowed_conflict drop constraint allowed_conflict_pkey;
alter table allowed_conflict add column allowance_id bigint generated always as identity primary key;
create table allowed_conflict_end (
    allowance_id bigint      primary key references allowed_conflict,
    ended_at     timestamptz not null,
    ended_by     text        not null,
    reason       text        not null
);
create view standing_allowance as
select a.* from allowed_conflict a
where not exists (select from allowed_conflict_end e where e.allowance_id = a.allowance_id);

grant select on code_segment_withdrawal, allocated_segment, allowed_conflict_end, standing_allowance
    to uscc_ingest, uscc_api, uscc_job;

do $$
declare
    name text;
begin
    foreach name in array array['code_segment', 'code_segment_withdrawal', 'allowed_conflict', 'allowed_conflict_end',
                                'nonconforming_code', 'national_claim'] loop
        execute format('create trigger append_only before update or delete on %I for each row execute function refuse_rewriting()', name);
        execute format('create trigger never_truncated before truncate on %I for each statement execute function refuse_rewriting()', name);
    end loop;
end $$;
