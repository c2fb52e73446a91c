-- name: stand
-- Where the feed stands, when that change was recorded, and about how many codes there are.
select coalesce(c.value, 0) as sequence,
       (select recorded_at from change where sequence = c.value) as recorded_at,
       (select count(*) from registration) as codes
from (select max(value) as value from sequence_counter where name = 'changes') c

-- name: next_codes
-- The next codes that were ever held.
-- $1 behind this code, $2 at most so many
select uscc from registration where uscc > $1 order by uscc limit $2

-- name: applied
-- Every applied record of these codes that was known at a change of the feed: what came behind it is told by the feed
-- itself, and by the clock where the feed says nothing of it.
-- $1 codes, $2 sequence, $3 recorded up to or null
select v.uscc, v.holding, v.operation, v.kind, v.superseded, v.key_major, v.occurred_at, v.message_id, v.name_key, v.version,
       v.office, v.receipt_id, v.recorded_at, v.recorded_at as applied_at, v.predecessor_uscc, false as mark,
       null::timestamptz as confirms_since, v.record::text as record
from registration_version v
where v.uscc = any($1) and ($3::timestamptz is null or v.recorded_at <= $3)
  and not exists (select from change c where c.sequence > $2 and c.uscc = v.uscc and c.version = v.version)
union all
select m.uscc, m.holding, m.operation, '', false, m.key_major, m.occurred_at, m.message_id, m.name_key, m.confirms_version,
       v.office, v.receipt_id, v.recorded_at, m.recorded_at, null, true, v.occurred_at, v.record::text
from registration_mark m
join registration_version v on v.uscc = m.uscc and v.version = m.confirms_version
where m.uscc = any($1) and ($3::timestamptz is null or m.recorded_at <= $3)

-- name: withdrawals
-- The withdrawals of these codes that were known at an instant.
-- $1 codes, $2 recorded up to or null
select uscc, holding, occurred_at, recorded_at, successor_uscc, reason
from withdrawn_code
where uscc = any($1) and ($2::timestamptz is null or recorded_at <= $2)
order by uscc, holding

-- name: seal
-- A snapshot is whole.
-- $1 id, $2 sequence, $3 recorded_at, $4 rows, $5 files, $6 now
insert into snapshot (snapshot_id, sequence, recorded_at, rows, files, sealed_at)
values ($1, $2, $3, $4, $5::text::jsonb, $6)

-- name: drop_changes
-- Drop the months of the feed that ended before an instant; the last sequence dropped, or 0.
-- $1 instant
select drop_changes($1)

-- name: note_removed
-- The files of a snapshot were removed.
-- $1 id, $2 now
update snapshot set removed_at = $2 where snapshot_id = $1

-- name: list_snapshots
-- Snapshots whose files are there, newest first.
-- $1 before this id or null, $2 at most so many
select snapshot_id, sequence, recorded_at, rows, files::text as files, sealed_at
from snapshot
where removed_at is null and ($1::text is null or snapshot_id < $1)
order by snapshot_id desc
limit $2

-- name: find_snapshot
-- One snapshot whose files are there.
-- $1 id
select snapshot_id, sequence, recorded_at, rows, files::text as files, sealed_at
from snapshot
where snapshot_id = $1 and removed_at is null
