-- name: changes_after
-- The feed behind a sequence.
-- $1 behind, $2 at most
select sequence, body from change where sequence > $1 order by sequence limit $2;

-- name: tip
-- The end of the feed, with the instant at which it was recorded.
select c.value as sequence, (select recorded_at from change where sequence = c.value) as recorded_at
from sequence_counter c
where c.name = 'changes';

-- name: counters
-- Every dense sequence with its last number.
select name, value from sequence_counter;
