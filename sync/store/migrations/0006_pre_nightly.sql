-- The nightly reconciliation: sealed statements, the steps of a run, comparisons with an office's register, figures.

-- One page for every office and business day; sealed once and never rewritten. 'body' is statement/1, serialized once.
create table statement (
    date           date        not null,
    office         text        not null,
    closing        bigint      not null,      -- holds that wait at the day's end: the next day's opening
    first_sequence bigint,                    -- of the returns of the records received that day; null: none
    last_sequence  bigint,
    digest         text        not null,
    sealed_at      timestamptz not null,
    body           text        not null,
    primary key (date, office)
);

-- What came of each batch by sealed day, so that a batch over several days is summed without reading them again.
create table batch_count (
    office   text   not null,
    batch_id text   not null,
    date     date   not null,
    received bigint not null,
    altered  bigint not null,                 -- records whose message id was known with other content (M01)
    primary key (office, batch_id, date)
);

-- Which steps of a night are done: a run that was killed goes on behind the last. Office '': a step for all of them.
create table nightly_step (
    date    date        not null,
    office  text        not null default '',
    step    text        not null,
    done_at timestamptz not null default now(),
    detail  jsonb       not null default '{}',
    primary key (date, office, step)
);

-- An office's full register, as it was handed in, against the registry.
create table comparison (
    comparison_id    text        primary key,
    office           text        not null,
    date             date        not null,
    number           integer     not null,    -- the n-th of that office and date
    state            text        not null default 'receiving'
                         check (state in ('receiving', 'running', 'done', 'failed')),
    format           text        not null check (format in ('csv.gz', 'ndjson.gz', 'parquet')),
    forced           boolean     not null default false,
    bytes            bigint      not null default 0,
    sha256           bytea,                   -- of the file, where the run read it from disk
    feed_sequence    bigint,                  -- how far the feed had come: no further means the same answer
    handed_in_at     timestamptz not null default now(),
    handed_in_by     text        not null,
    finished_at      timestamptz,
    problem          jsonb,
    columns          text[],
    office_total     bigint,
    registry_total   bigint,
    equal            bigint,
    different        bigint,
    missing_here     bigint,
    missing_there    bigint,
    pending_office   bigint,
    pending_registry bigint,
    unique (office, date, number)
);
create index comparison_waiting on comparison (handed_in_at) where state = 'running';
create index comparison_done on comparison (office, date, number) where state = 'done';

-- The file itself, until it is compared.
create table comparison_chunk (
    comparison_id text    not null references comparison,
    number        integer not null,
    body          bytea   not null,
    primary key (comparison_id, number)
);
alter table comparison_chunk alter column body set storage external;

-- What is not equal. 'fields' is {name: {office, registry}}, personal values masked; 'row' what the office's file says.
create table comparison_item (
    comparison_id text    not null references comparison,
    kind          text    not null check (kind in ('different', 'missing_here', 'missing_there', 'pending')),
    uscc          text    not null,
    fields        jsonb   not null,
    receipt_id    text,
    nights        integer not null,
    since         date    not null,
    "row"         jsonb,
    primary key (comparison_id, kind, uscc)
);
create index comparison_item_code on comparison_item (comparison_id, uscc);

-- Figures by office, division and day; division '' is the whole office.
create table quality (
    date                   date    not null,
    office                 text    not null,
    division               text    not null,
    received               bigint  not null,
    accepted               bigint  not null,
    unchanged              bigint  not null,
    superseded             bigint  not null,
    rejected               bigint  not null,
    held                   bigint  not null,
    quarantined            bigint  not null,
    fields_required        bigint  not null,   -- by the profiles, over the records that carry particulars
    fields_missing         bigint  not null,
    timed                  bigint  not null,   -- accepted and superseded records with a date of approval
    late                   bigint  not null,   -- of these, beyond the limit (rule T01)
    days_p50               integer,            -- days from approval to arrival
    days_p90               integer,
    days_p99               integer,
    unqualified            bigint  not null,   -- rejected, held or quarantined
    wrong_codes            bigint  not null,   -- of these, for a finding of problem class 1, 2 or 3 (重错码)
    stock                  bigint  not null,   -- organizations from before the unified code (legacy_stock)
    stock_converted        bigint  not null,   -- of these, whose old number or code leads to a registered code
    cases_open             bigint  not null,   -- at the day's end
    cases_overdue          bigint  not null,
    primary key (date, office, division)
);
create index quality_listed on quality (office, date);

-- What a reader's copy is checked against without sending its rows: codes by their first eight characters.
create table register_digest (
    prefix      text        primary key,
    records     bigint      not null,
    sum         numeric     not null,
    xor         bigint      not null,
    sequence    bigint      not null,           -- of the feed: the digests are of the registry at that change
    recorded_at timestamptz not null
);

-- The mixed hash of one code at one version; sums and xors of it are what copies compare.
create function version_hash(uscc text, version integer) returns bigint language sql immutable parallel safe
return ('x' || encode(substr(sha256(convert_to(uscc || '/' || version, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint;

-- The dispositions of a day lie together, so a summary of page ranges finds them; ingest pays next to nothing.
create index disposition_received on disposition using brin (received_at) with (pages_per_range = 32, autosummarize = on);
-- Holds and what ended them are few.
create index disposition_holds on disposition (office, received_at) where disposition = 'held' or attempt > 1;

create trigger append_only before update or delete on statement for each row execute function refuse_rewriting();
create trigger never_truncated before truncate on statement for each statement execute function refuse_rewriting();

grant select on batch, batch_count, statement, nightly_step, comparison, comparison_chunk, comparison_item, quality,
    register_digest to uscc_job;
grant insert on statement, batch_count to uscc_job;
grant insert, update, delete on nightly_step, comparison, comparison_chunk, comparison_item, quality, register_digest
    to uscc_job;
grant select on batch_count, statement, nightly_step, comparison, comparison_item, quality, register_digest to uscc_api;
grant insert, update on comparison to uscc_api;
grant insert, delete on comparison_chunk to uscc_api;
grant execute on function version_hash(text, integer) to uscc_api, uscc_job;
