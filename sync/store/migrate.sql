-- name: lock_timeout
-- A migration that cannot have its locks soon gives up instead of holding up everybody behind it.
set lock_timeout = '5s'

-- name: statement_timeout
-- No single statement of a migration takes longer.
set statement_timeout = '10min'

-- name: make_schema_migration
-- The list of what was applied.
create table if not exists schema_migration (
    name       text        primary key,
    digest     bytea       not null,     -- sha256 of the file
    applied_at timestamptz not null default now()
)

-- name: applied
-- What was applied, in order.
select name, digest from schema_migration order by name

-- name: note
-- $1 name, $2 digest of the file.
insert into schema_migration (name, digest) values ($1, $2)

-- name: database_settings
-- The settings without which nothing acknowledged is safe.
select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')

-- name: trigrams_of
-- $1 a name: how many trigrams the search would see; 0 when the database's locale does not know its letters.
select cardinality(show_trgm($1))

-- name: enter_ruleset
-- $1 version, $2 digest, $3 body. One row a version.
insert into ruleset (version, digest, body) values ($1, $2, $3::jsonb) on conflict (version) do nothing

-- name: ruleset_digest
-- $1 version: the digest under which it was entered first.
select digest from ruleset where version = $1

-- name: enter_nonconforming
-- $1 codes, $2 evidence, $3 sources, $4 who enters them. What is there stays as it is.
insert into nonconforming_code (uscc, evidence, source, entered_by)
select uscc, evidence, source, $4 from unnest($1::text[], $2::text[], $3::text[]) as entry (uscc, evidence, source)
on conflict (uscc) do nothing

-- name: ensure_month
-- $1 an instant: make the partitions of its month.
select ensure_month($1)
