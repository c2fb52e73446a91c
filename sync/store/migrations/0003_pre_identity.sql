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

alter table case_member add column place bigint generated always as identity;   -- the order of arrival
alter table code_case add column conflict_key text not null;
drop index code_case_open;
create unique index code_case_open on code_case (rule, conflict_key) where status <> 'resolved';

grant select on legacy_number, allowed_conflict, code_segment to uscc_ingest, uscc_api, uscc_job;
grant insert, update on legacy_number to uscc_ingest;
grant insert on allowed_conflict, code_segment to uscc_ingest;

-- What was done, or proposed, about a case: who, when, why, from which message, and who approved.
create table case_resolution (
    resolution_id  text        primary key,
    case_id        text        not null references code_case,
    operation      text        not null check (operation in ('keep', 'withdraw', 'assign')),
    member_receipt text        not null,
    member_uscc    text        not null,
    new_uscc       text,
    successor_uscc text,
    reason         text,
    via            text        not null check (via in ('api', 'message', 'file', 'console', 'program')),
    message_receipt text,
    proposed_by    text        not null,
    proposed_at    timestamptz not null,
    approved_by    text,
    approved_at    timestamptz,
    approval_reason text,
    status         text        not null check (status in ('awaiting_approval', 'done', 'refused'))
);
create index case_resolution_case on case_resolution (case_id, proposed_at);
create unique index case_resolution_awaiting on case_resolution (case_id) where status = 'awaiting_approval';

grant select on case_resolution to uscc_ingest, uscc_api, uscc_job;
grant insert, update on case_resolution to uscc_ingest;
