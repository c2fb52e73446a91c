-- Every advisory lock of the service; the numbers mean nothing but that they differ.
-- The writer's lock is taken in a transaction and ends with it; those who lead hold theirs for a session.

-- name: take_writer
-- The writer's lock: the ledger has one writer at a time, until its transaction ends.
select pg_advisory_xact_lock(4201360107)

-- name: lead_relay
-- Whether this session is the one that publishes.
select pg_try_advisory_lock(4201360108)

-- name: lead_submissions
-- Whether this session is the one that produces what was posted.
select pg_try_advisory_lock(4201360109)

-- name: lead_snapshots
-- Whether this session is the one that writes snapshots.
select pg_try_advisory_lock(4201360110)

-- name: lead_nightly
-- Whether this session is the one that runs the night.
select pg_try_advisory_lock(4201360121)

-- name: leave_nightly
-- The night is over.
select pg_advisory_unlock(4201360121)

-- name: take_migration
-- One migration at a time; the session holds it.
select pg_advisory_lock(hashtext('uscc.migrate'))
