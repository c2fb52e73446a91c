-- What a code centre works with: segments, cases from outside, maps of old numbers, the upward report.

-- Code segments (码段) that the centre allocated: ranges of subject identification codes without their check
-- character, to an office, or to one registrar of it. Segments never overlap; the loader sees to it under the lock.
drop table code_segment;
create table code_segment (
    segment_id     bigint      generated always as identity primary key,
    first_body     text        not null unique check (length(first_body) = 8),
    last_body      text        not null check (length(last_body) = 8 and last_body >= first_body collate "C"),
    office         text        not null,
    registrar_code text,                     -- null: whoever registers for the office
    registrar_name text,
    allocated_on   date        not null,
    source         text        not null,     -- the file that it was loaded from
    loaded_at      timestamptz not null,
    loaded_by      text        not null
);
grant select on code_segment to uscc_ingest, uscc_api, uscc_job;

-- The header that an office's mapping may read the instant from: a record that is decided again needs it.
alter table raw_message add column ce_time text;

-- Quarantined records are looked for when a mapping was mended.
create index disposition_quarantined on disposition (office, received_at) where disposition = 'quarantined';

-- What the national centre's summary (重错码汇总表) says of a code. A member in the role 'claimed' is such a claim:
-- nothing of it is stored here but what the summary says, and it keeps no record out of the registry. One in the role
-- 'proposed' is a message that would settle the case and waits for a person.
alter table case_member drop constraint case_member_role_check;
alter table case_member add constraint case_member_role_check check (role in ('holder', 'held', 'claimed', 'proposed'));
create table national_claim (
    claim_id    text        primary key,
    case_id     text        not null references code_case,
    uscc        text        not null,
    name        text        not null,
    kind        text        not null,     -- the problem in the summary's own words
    line        jsonb       not null,     -- the whole line
    file_sha256 bytea       not null,
    file_name   text        not null,
    row_number  integer     not null,
    imported_at timestamptz not null,
    imported_by text        not null
);
create index national_claim_case on national_claim (case_id);
grant select on national_claim to uscc_ingest, uscc_api, uscc_job;
grant insert on national_claim to uscc_ingest;

-- Allowed conflicts are asked for by either code.
create index allowed_conflict_uscc on allowed_conflict (uscc);
create index allowed_conflict_other on allowed_conflict (other_uscc);

-- Organizations from before the unified code, as an office's map of old numbers names them. Whether one has been
-- converted is not written down: the registry tells.
create table legacy_stock (
    kind                text        not null,     -- of the number that stands for the organization
    number              text        not null,
    office              text        not null,
    division_code       text        not null,
    name                text,
    uscc                text,
    registration_number text,
    organization_code   text,
    tax_number          text,
    source              text        not null,
    loaded_at           timestamptz not null,
    loaded_by           text        not null,
    primary key (kind, number)
);

-- Whether each of them has been converted: a registered code is known of it, or bears one of its numbers.
create view legacy_conversion as
select s.office, s.division_code, s.kind, s.number, s.uscc,
       exists (select from registration r where r.uscc = s.uscc and r.registered)
       or exists (select from legacy_number n join registration r using (uscc)
                  where n.kind = s.kind and n.number = s.number and r.registered)
       or exists (select from registration r
                  where substr(r.uscc, 9, 9) = coalesce(s.organization_code, substr(s.tax_number, 7, 9)) and r.registered)
       as converted
from legacy_stock s;
grant select on legacy_stock, legacy_conversion to uscc_api, uscc_job;

-- What went up to the national centre: changes from one sequence to another, and what the centre answered.
create table upward_report (
    report_id     text        primary key,
    from_sequence bigint      not null,
    to_sequence   bigint      not null unique,
    codes         bigint      not null,
    file_name     text        not null,
    file_sha256   bytea       not null,
    made_at       timestamptz not null,
    made_by       text        not null,
    receipt_sha256 bytea,
    receipt_at    timestamptz,
    accepted      bigint,
    refused       bigint
);
create table upward_refusal (
    report_id text not null references upward_report,
    uscc      text not null,
    reason    text not null,
    primary key (report_id, uscc)
);
grant select on upward_report, upward_refusal to uscc_api, uscc_job;
