-- Conflicts that cross codes: one organization under several codes, one subject code or legacy number under two.

alter table holder add column legal_representative_name text;
alter table holder add column registered_address text;
create index holder_name_key on holder (name_key);

-- Position 9-17 of every code ever held; never updated, so that updates of the state stay on their page.
create index registration_subject_code on registration (substr(uscc, 9, 9));

-- Old numbers lead to the organization; the first code that brought a number has it.
create table legacy_number (
    kind        text        not null,
    number      text        not null,
    uscc        text        not null,
    source      text        not null,      -- a receipt, or the map that it was loaded from
    recorded_at timestamptz not null,
    primary key (kind, number)
);
create index legacy_number_uscc on legacy_number (uscc);

-- Two codes that may stand beside each other, with the evidence of who allowed it.
create table allowed_conflict (
    rule       text        not null,
    uscc       text        not null,
    other_uscc text        not null,
    case_id    text,
    evidence   text        not null,
    allowed_by text        not null,
    allowed_at timestamptz not null,
    primary key (rule, uscc, other_uscc)
);

-- Code segments (码段) that the centre allocated to a registrar; ranges of subject identification codes without
-- their check character.
create table code_segment (
    first_body   text        not null,
    last_body    text        not null,
    office       text        not null,
    registrar    text        not null,
    allocated_on date        not null,
    loaded_at    timestamptz not null default now(),
    primary key (first_body)
);

alter table code_case add column conflict_key text not null;
drop index code_case_open;
create unique index code_case_open on code_case (rule, conflict_key) where status <> 'resolved';

grant select on legacy_number, allowed_conflict, code_segment to uscc_ingest, uscc_api, uscc_job;
grant insert, update on legacy_number to uscc_ingest;
grant insert on allowed_conflict, code_segment to uscc_ingest;
