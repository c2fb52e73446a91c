-- name: quarantined
-- Records that lie in quarantine, in the order in which they came; behind a place among them.
-- $1 office, $2 received_at of the place or null, $3 its receipt, $4 at most
select d.receipt_id, d.office, d.topic, d.partition, d."offset", d.received_at, w.mapping, w.ce_id, w.ce_time,
       w.batch_id, w.body,
       1::smallint as attempt
from disposition d
join raw_message w on w.receipt_id = d.receipt_id and w.received_at = d.received_at
where d.disposition = 'quarantined' and d.attempt = 1 and d.office = $1
  and ($2::timestamptz is null or (d.received_at, d.receipt_id) > ($2, $3))
  and not exists (select from disposition l where l.receipt_id = d.receipt_id and l.attempt > 1)
order by d.received_at, d.receipt_id
limit $4

-- name: still_quarantined
-- Which of these records have no later decision yet; asked under the writer's lock.
-- $1 receipts
select receipt_id from disposition where receipt_id = any($1) group by receipt_id having max(attempt) = 1
