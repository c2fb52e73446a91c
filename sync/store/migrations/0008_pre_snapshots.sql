-- Sealed exports of the whole registry. The files lie in a folder; what they are stands here and is never rewritten.

create table snapshot (
    snapshot_id text        primary key,
    sequence    bigint      not null,      -- of the feed: the registry as it stood at that change
    recorded_at timestamptz,               -- of that change; null before the first
    rows        bigint      not null,
    files       jsonb       not null,      -- [{name, format, bytes, sha256}]
    sealed_at   timestamptz not null,
    removed_at  timestamptz                -- its files were removed
);

grant select on snapshot to uscc_api;
grant select, insert, update (removed_at) on snapshot to uscc_job;
