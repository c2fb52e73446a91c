-- name: returns_tip
-- The sequence of an office's last return; null before the first.
-- $1 office
select value from sequence_counter where name = 'returns:' || $1;

-- name: returns_between
-- An office's returns behind one sequence up to another, filtered, in sequence.
-- $1 office, $2 behind, $3 up to, $4 disposition or null, $5 rule or null, $6 batch or null, $7 at most
select sequence, return_text
from disposition
where office = $1 and sequence > $2 and sequence <= $3
  and ($4::text is null or disposition = $4)
  and ($5::text is null or $5 = any(rules))
  and ($6::text is null or batch_id = $6)
order by sequence
limit $7;

-- name: returns_of_receipt
-- Every attempt of one record, by its receipt.
-- $1 receipt, $2 the office that asks, null for all
select return_text from disposition where receipt_id = $1 and ($2::text is null or office = $2) order by attempt;

-- name: returns_of_source
-- Every attempt of one record, by where it lies in Kafka.
-- $1 topic, $2 partition, $3 offset, $4 the office that asks, null for all
select return_text
from disposition
where topic = $1 and partition = $2 and "offset" = $3 and ($4::text is null or office = $4)
order by attempt;

-- name: acknowledge
-- Remember how far an office has read; never backwards.
-- $1 office, $2 through
insert into acknowledgement (office, through, acknowledged_at) values ($1, $2, now())
on conflict (office) do update set through = greatest(acknowledgement.through, excluded.through), acknowledged_at = now()
returning through;

-- name: count_dispositions
-- An office's dispositions behind one sequence up to another.
-- $1 office, $2 behind, $3 up to
select disposition, count(*) as records
from disposition
where office = $1 and sequence > $2 and sequence <= $3
group by disposition;
