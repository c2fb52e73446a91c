-- name: partitions
-- Where every partition stands, and whether somebody must look.
select topic, partition, office, next_offset, decided_records, last_decided_at, halted_at, halted_reason
from partition_progress
order by topic, partition

-- name: resume_partition
-- $1 topic, $2 partition: let a halted partition go on; ingest notices within seconds.
update partition_progress set halted_at = null, halted_reason = null
where topic = $1 and partition = $2 and halted_at is not null
returning topic

-- name: restart_partition
-- $1 topic, $2 partition, $3 offset: read a halted partition's log from there, as if it had never been read.
update partition_progress
set halted_at = null, halted_reason = null, next_offset = $3, last_sha256 = null, last_offset = null,
    decided_before = greatest(decided_before, next_offset)
where topic = $1 and partition = $2 and halted_at is not null
returning topic

-- name: unpublished
-- What is stored and not yet on its topic: messages by counter ('changes', 'returns:<office>').
-- $1 the topic of changes, $2 the prefix of the topics of returns.
select c.name, c.value - coalesce(p.sequence, 0) as messages
from sequence_counter c
left join relay_progress p
  on p.topic = case when c.name = 'changes' then $1 else $2 || substr(c.name, length('returns:') + 1) end
where c.value > coalesce(p.sequence, 0)

-- name: balance
-- The zero-sum table: what each office sent and what became of it (first dispositions).
select p.office, p.received,
       coalesce(d.accepted, 0) as accepted, coalesce(d.unchanged, 0) as unchanged,
       coalesce(d.superseded, 0) as superseded, coalesce(d.rejected, 0) as rejected,
       coalesce(d.held, 0) as held, coalesce(d.quarantined, 0) as quarantined
from (select office, sum(decided_records)::bigint as received from partition_progress group by office) p
left join (
    select office,
           count(*) filter (where disposition = 'accepted') as accepted,
           count(*) filter (where disposition = 'unchanged') as unchanged,
           count(*) filter (where disposition = 'superseded') as superseded,
           count(*) filter (where disposition = 'rejected') as rejected,
           count(*) filter (where disposition = 'held') as held,
           count(*) filter (where disposition = 'quarantined') as quarantined
    from disposition
    where attempt = 1
    group by office
) d using (office)
order by p.office

-- name: findings_by_rule
-- How many first dispositions carry each rule.
select rule, count(*) as records
from disposition, unnest(rules) as rule
where attempt = 1
group by rule
order by rule

-- name: some_registered
-- A code that is registered and public, to show a look-up with.
select uscc from registration where registered and is_public order by uscc limit 1
