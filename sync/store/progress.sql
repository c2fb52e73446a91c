-- name: partitions
-- Where every consumer stands.
select topic, partition, office, next_offset, decided_records, last_received_at, last_decided_at, halted_at
from partition_progress
order by topic, partition;

-- name: published
-- How far every topic has been published.
select topic, sequence from relay_progress;

-- name: waiting
-- How many records wait in open cases, by office.
select office, count(*) as records from case_member where ended_at is null and role = 'held' group by office;

-- name: open_cases
-- How many cases are open, by rule.
select rule, count(*) as cases from code_case where status <> 'resolved' group by rule;
