-- name: begin_topic
-- Make the row of a topic that was never published to.
insert into relay_progress (topic) values ($1) on conflict do nothing

-- name: backlog
-- Which topics have something to publish, and from where.
select p.topic, p.sequence
from relay_progress p
join sequence_counter c
  on c.name = case when p.topic = $1 then 'changes' else 'returns:' || substr(p.topic, length($2) + 1) end
where c.value > p.sequence

-- name: unpublished_returns
-- The next returns of an office.
select sequence, coalesce(message_id, receipt_id) as key, return_text as body
from disposition
where office = $1 and sequence > $2
order by sequence
limit $3

-- name: unpublished_changes
-- The next changes.
select sequence, uscc as key, body
from change
where sequence > $1
order by sequence
limit $2

-- name: mark_published
-- Everything up to here is on the topic.
update relay_progress set sequence = greatest(sequence, $2) where topic = $1
