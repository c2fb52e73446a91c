-- The ledger: what arrived, what became of it, and what is registered because of it.
-- Large append-only tables are partitioned by month from the start (see 'ensure_month').

-- Where each consumer stands. The row is the fence: a batch that was read from another position is not applied.
create table partition_progress (
    topic            text        not null,
    partition        integer     not null,
    office           text        not null,
    next_offset      bigint      not null,
    decided_records  bigint      not null default 0,
    last_received_at timestamptz,
    last_decided_at  timestamptz,
    last_sha256      bytea,          -- of the record at next_offset - 1, so that a recreated topic is noticed
    last_offset      bigint,         -- where that record lies (offsets may have holes)
    halted_at        timestamptz,
    halted_reason    text,
    primary key (topic, partition)
);

-- Dense counters: 'changes' and 'returns:<office>'. Drawn under the writer's lock, so their order is the order of commits.
create table sequence_counter (
    name  text   primary key,
    value bigint not null default 0
);

-- The first record under every message id of an office.
create table message (
    office         text  not null,
    message_id     text  not null,
    receipt_id     text  not null,
    content_digest bytea not null,   -- of the canonical JSON: members sorted, blanks gone
    primary key (office, message_id)
);

-- One row a record and attempt, with the text of its return.
create table disposition (
    receipt_id     text        not null,
    attempt        smallint    not null,
    sequence       bigint      not null,
    office         text        not null,
    topic          text        not null,
    partition      integer     not null,
    "offset"       bigint      not null,
    message_id     text,
    batch_id       text,
    content_sha256 bytea       not null,
    operation      text,
    uscc           text,
    disposition    text        not null check (disposition in
                       ('accepted', 'unchanged', 'superseded', 'rejected', 'held', 'quarantined')),
    rules          text[]      not null,
    version        integer,
    duplicate_of   text,
    case_id        text,
    received_at    timestamptz not null,
    decided_at     timestamptz not null,
    ruleset        text        not null,
    return_text    text        not null,
    primary key (office, sequence, received_at)
) partition by range (received_at);
create index disposition_receipt on disposition (receipt_id);
create index disposition_source on disposition (topic, partition, "offset");

-- The bytes as received.
create table raw_message (
    receipt_id  text        not null,
    received_at timestamptz not null,
    mapping     text,
    ce_id       text,
    body        bytea       not null,
    primary key (receipt_id, received_at)
) partition by range (received_at);

-- Every accepted and superseded record, on two clocks: occurred_at (valid) and recorded_at (recorded).
create table registration_version (
    uscc             text        not null,
    version          integer     not null,
    holding          integer     not null,      -- the n-th holder of this code
    operation        text        not null,
    kind             text        not null,      -- of change/1; also for superseded records, which make no change
    superseded       boolean     not null,      -- it was older on arrival
    office           text        not null,
    key_major        bigint      not null,      -- order key: office_version, or occurred_at in microseconds
    occurred_at      timestamptz not null,
    message_id       text        not null,
    name_key         text        not null,
    record           jsonb       not null,      -- particulars by English names; of a short operation uscc and name
    predecessor_uscc text,
    successor_uscc   text,
    reason           text,
    receipt_id       text        not null,
    recorded_at      timestamptz not null,
    primary key (uscc, version, recorded_at)
) partition by range (recorded_at);

-- Unchanged records: no version, but a later late arrival may fold between.
create table registration_mark (
    uscc             text        not null,
    holding          integer     not null,
    operation        text        not null,
    key_major        bigint      not null,
    occurred_at      timestamptz not null,
    message_id       text        not null,
    name_key         text        not null,
    confirms_version integer     not null,
    office           text        not null,
    receipt_id       text        not null,
    recorded_at      timestamptz not null,
    primary key (uscc, receipt_id)
);

-- The present state of a code: narrow, no secondary index, so that an update stays on its page.
create table registration (
    uscc                    text        primary key,
    registered              boolean     not null,   -- false: withdrawn, nobody holds it now
    holding                 integer     not null,
    last_version            integer     not null,   -- how many versions there are
    version                 integer     not null,   -- the latest that shaped the state
    status                  text        not null check (status in ('normal', 'cancelled', 'revoked')),
    office                  text        not null,
    receipt_id              text        not null,   -- of 'version'
    valid_from              timestamptz not null,
    recorded_at             timestamptz not null,   -- of 'version'
    particulars_version     integer     not null,
    particulars_recorded_at timestamptz not null,   -- finds the partition of that version
    particulars_whole       boolean     not null,   -- false: only uscc and name of a short operation are known
    particulars_major       bigint      not null,
    particulars_at          timestamptz not null,
    particulars_id          text        not null,
    status_version          integer     not null,
    status_major            bigint,                 -- null while no cancel, revoke or restore came
    status_at               timestamptz,
    status_id               text,
    assign_major            bigint,                 -- the first assign by order key
    assign_at               timestamptz,
    assign_id               text,
    is_public               boolean     not null,
    open_case               text,
    predecessor_uscc        text
) with (fillfactor = 70);

-- The identity that is searched and matched; written only when it differs. No row for a code that nobody holds.
create table holder (
    uscc                text primary key,
    name                text not null,
    name_key            text not null,
    subject_code        text not null,      -- positions 9-17
    registration_number text,
    established_on      text,
    division_code       text not null       -- positions 3-8
);

-- Tombstones.
create table withdrawn_code (
    uscc           text        not null,
    holding        integer     not null,
    key_major      bigint      not null,
    occurred_at    timestamptz not null,
    message_id     text        not null,
    reason         text,
    successor_uscc text,
    receipt_id     text        not null,
    recorded_at    timestamptz not null,
    primary key (uscc, holding)
);

-- A code whose home office is no longer the one of its first character.
create table code_transfer (
    uscc           text        primary key,
    office         text        not null,
    case_id        text        not null,
    transferred_at timestamptz not null
);

-- The codes of which an office's last record was rejected (rule L02).
create table rejected_claim (
    office     text not null,
    uscc       text not null,
    receipt_id text not null,
    primary key (office, uscc)
);

-- Issued codes that fail a check and are in use all the same.
create table nonconforming_code (
    uscc       text        primary key,
    evidence   text        not null,
    source     text        not null,
    issued_on  date,
    entered_at timestamptz not null default now(),
    entered_by text        not null,
    case_id    text
);

-- The feed. 'body' is change/1, serialized once.
create table change (
    sequence    bigint      not null,
    uscc        text        not null,
    version     integer     not null,
    kind        text        not null,
    recorded_at timestamptz not null,
    body        text        not null,
    primary key (sequence, recorded_at)
) partition by range (recorded_at);

-- Conflicts that a person or an office must settle (重错码).
create table code_case (
    case_id             text        primary key,
    rule                text        not null,
    uscc                text        not null,
    status              text        not null default 'open' check (status in ('open', 'awaiting_approval', 'resolved')),
    opened_at           timestamptz not null,
    due_on              date        not null,
    offices             text[]      not null,
    suggested_operation text        not null,
    reason              text        not null,
    resolved_at         timestamptz
);
create unique index code_case_open on code_case (uscc, rule) where status <> 'resolved';
create index code_case_listed on code_case (status, opened_at, case_id);

create table case_member (
    case_id     text        not null references code_case,
    receipt_id  text        not null,
    role        text        not null check (role in ('holder', 'held')),
    office      text        not null,
    uscc        text        not null,
    name        text        not null,
    name_key    text        not null,
    operation   text        not null,
    key_major   bigint      not null,
    occurred_at timestamptz not null,
    message_id  text        not null,
    received_at timestamptz not null,
    joined_at   timestamptz not null,
    ended_at    timestamptz,
    primary key (case_id, receipt_id, role)
);
create index case_member_waiting on case_member (uscc) where ended_at is null;

-- How far a topic has been published, and how far an office says it has read.
create table relay_progress (
    topic    text   primary key,
    sequence bigint not null default 0
);
create table acknowledgement (
    office   text        primary key,
    through  bigint      not null,
    acknowledged_at timestamptz not null
);

create table ruleset (
    version   text        primary key,
    digest    bytea       not null,
    body      jsonb       not null,
    loaded_at timestamptz not null default now()
);

-- Clients, their keys (hashed), and what was done with them.
create table client (
    name       text        primary key,
    office     text,
    scopes     text[]      not null,
    person     boolean     not null default false,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create table client_key (
    key_sha256 bytea       primary key,
    client     text        not null references client,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create index client_key_client on client_key (client);
create table audit (
    audit_id   bigint generated always as identity primary key,
    at         timestamptz not null default now(),
    actor      text        not null,
    action     text        not null,
    subject    text,
    purpose    text,
    request_id text,
    detail     jsonb       not null default '{}'
);

-- History is append-only; the owner is bound too.
create function refuse_rewriting() returns trigger language plpgsql as $$
begin
    raise exception 'history is append-only: % on % is refused', tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;

do $$
declare
    name text;
begin
    foreach name in array array['disposition', 'raw_message', 'registration_version', 'registration_mark', 'change',
                                'message', 'withdrawn_code', 'audit'] loop
        execute format('create trigger append_only before update or delete on %I for each row execute function refuse_rewriting()', name);
    end loop;
    foreach name in array array['registration_mark', 'message', 'withdrawn_code', 'audit'] loop
        execute format('create trigger never_truncated before truncate on %I for each statement execute function refuse_rewriting()', name);
    end loop;
end $$;

-- Make the partitions of the month of an instant; returns the first day of that month. The owner's right, lent.
create function ensure_month(instant timestamptz) returns date
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
            execute format('create table %I partition of %I for values from (%L) to (%L)',
                           part, name, first || ' 00:00:00+00', next || ' 00:00:00+00');
            execute format('create trigger never_truncated before truncate on %I for each statement execute function refuse_rewriting()', part);
        end if;
    end loop;
    return first;
end $$;
