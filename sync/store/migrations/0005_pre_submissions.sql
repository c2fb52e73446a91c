-- What offices post over HTTP, stored before it is acknowledged and produced to their topics from here.

create table submission (
    submission_id   text        primary key,
    office          text        not null,
    client          text        not null,
    idempotency_key text,
    content_sha256  bytea       not null,     -- of the posted bytes and of how they are to be read
    mapping         text,
    records         integer     not null check (records between 1 and 100000),
    accepted_at     timestamptz not null,
    produced        integer     not null default 0,   -- rows that are known to be on the topic
    produced_at     timestamptz,
    scan_from       jsonb,                    -- partition -> offset: rows whose outcome is uncertain lie behind, if anywhere
    tallied         jsonb       not null default '{}',   -- partition -> offset up to which dispositions are counted
    decided         integer     not null default 0,
    counts          jsonb       not null default '{}',   -- first dispositions
    by_rule         jsonb       not null default '{}',
    done_at         timestamptz,
    rows_dropped_at timestamptz,
    check (produced <= records and decided <= produced)
);
create unique index submission_idempotency on submission (office, idempotency_key) where idempotency_key is not null;
create index submission_waiting on submission (office, accepted_at, submission_id) where produced < records;
create index submission_deciding on submission (accepted_at) where done_at is null;

-- The messages as they go to the topic, in the order of the file.
create table submission_row (
    submission_id text    not null references submission,
    "row"         integer not null,
    key           text    not null,
    ce_id         text    not null,
    body          bytea   not null,
    primary key (submission_id, "row")
);

-- Where a row lies on the topic.
create table submission_place (
    submission_id text    not null references submission,
    "row"         integer not null,
    partition     integer not null,
    "offset"      bigint  not null,
    primary key (submission_id, "row")
);
create index submission_place_offset on submission_place (submission_id, partition, "offset");

-- What an office says it sent: a batch that came short shows as not_received.
create table if not exists batch (
    office      text        not null,
    batch_id    text        not null,
    records     integer     not null check (records >= 0),
    date        date        not null,
    declared_at timestamptz not null default now(),
    declared_by text,
    primary key (office, batch_id)
);

grant select, insert on submission, submission_row to uscc_api;
grant select, insert, update on batch to uscc_api;
grant select on submission, submission_row, submission_place, partition_progress to uscc_relay;
grant update (produced, produced_at, scan_from, tallied, decided, counts, by_rule, done_at, rows_dropped_at)
    on submission to uscc_relay;
grant insert on submission_place to uscc_relay;
grant delete on submission_row to uscc_relay;
grant select on submission, submission_place, batch to uscc_job;
