-- name: insert_submission
-- A submission of an office; no row when the office has used the idempotency key.
-- $1 id, $2 office, $3 client, $4 idempotency key or null, $5 sha256, $6 mapping or null, $7 batch or null, $8 records,
-- $9 now
insert into submission (submission_id, office, client, idempotency_key, content_sha256, mapping, batch_id, records,
                        accepted_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (office, idempotency_key) where idempotency_key is not null do nothing
returning submission_id

-- name: find_by_key
-- What an office posted under an idempotency key.
-- $1 office, $2 idempotency key
select submission_id, records, content_sha256 from submission where office = $1 and idempotency_key = $2

-- name: find_submission
-- How far a submission is.
-- $1 id
select submission_id, office, records, accepted_at, produced, produced_at, decided, counts::text as counts,
       by_rule::text as by_rule, done_at
from submission
where submission_id = $1

-- name: declare_batch
-- What an office says it sent under a batch id; the last word counts.
-- $1 office, $2 batch id, $3 records, $4 date, $5 client, $6 now
insert into batch (office, batch_id, records, date, declared_at, declared_by) values ($1, $2, $3, $4, $6, $5)
on conflict (office, batch_id) do update
set records = excluded.records, date = excluded.date, declared_at = excluded.declared_at, declared_by = excluded.declared_by
returning office, batch_id, records, date, declared_at

-- name: waiting
-- The oldest submission of each office that is not wholly on its topic.
select distinct on (office) submission_id, office, mapping, batch_id, records, produced, scan_from::text as scan_from
from submission
where produced < records
order by office, accepted_at, submission_id

-- name: begin_producing
-- Where the partitions end before the first row goes out.
-- $1 id, $2 partition -> offset
update submission set scan_from = $2::text::jsonb where submission_id = $1 and scan_from is null

-- name: next_rows
-- The next rows that are not known to be on the topic, up to a number of bytes.
-- $1 id, $2 behind this row, $3 at most so many, $4 bytes
select n."row", n.key, n.ce_id, n.body
from (select r."row", r.key, r.ce_id, r.body, sum(length(r.body)) over (order by r."row") - length(r.body) as before
      from (select * from submission_row s
            where s.submission_id = $1 and s."row" > $2
              and not exists (select from submission_place p where p.submission_id = $1 and p."row" = s."row")
            order by s."row" limit $3) r) n
where n.before < $4
order by n."row"

-- name: placed_rows
-- Which rows are known to be on the topic.
-- $1 id, $2 rows
select "row" from submission_place where submission_id = $1 and "row" = any($2)

-- name: mark_produced
-- So many more rows are on the topic; what lies behind is uncertain.
-- $1 id, $2 rows, $3 partition -> offset, $4 now
update submission
set produced = produced + $2, scan_from = coalesce(scan_from, '{}') || $3::text::jsonb,
    produced_at = case when produced + $2 = records then $4::timestamptz end
where submission_id = $1

-- name: deciding
-- Submissions of which some produced row has no disposition counted yet.
select submission_id, office, records, produced, decided, accepted_at, tallied::text as tallied, counts::text as counts,
       by_rule::text as by_rule
from submission
where done_at is null and decided < produced
order by accepted_at

-- name: newly_decided
-- The first dispositions of the next rows of a submission in one partition, those that ingest has gone past.
-- $1 id, $2 topic, $3 partition, $4 behind this offset, $5 received from, $6 at most so many
select p."offset", d.disposition, d.rules
from submission_place p
join partition_progress g on g.topic = $2 and g.partition = $3
join disposition d on d.topic = $2 and d.partition = $3 and d."offset" = p."offset" and d.attempt = 1 and d.received_at >= $5
where p.submission_id = $1 and p.partition = $3 and p."offset" > $4 and p."offset" < g.next_offset
order by p."offset"
limit $6

-- name: partitions_of
-- The partitions in which rows of a submission lie.
-- $1 id
select distinct partition from submission_place where submission_id = $1

-- name: tally
-- What the rows counted so far came to.
-- $1 id, $2 tallied, $3 decided, $4 counts, $5 by rule, $6 now
update submission
set tallied = $2::text::jsonb, decided = $3, counts = $4::text::jsonb, by_rule = $5::text::jsonb,
    done_at = case when $3 = records then $6::timestamptz end
where submission_id = $1

-- name: old_rows
-- Submissions that were done long ago and whose rows are still here; the ledger has their bytes.
-- $1 done before
select submission_id from submission where done_at < $1 and rows_dropped_at is null order by done_at limit 1

-- name: drop_rows
-- Drop the rows of a submission.
-- $1 id
delete from submission_row where submission_id = $1

-- name: note_dropped
-- The rows of a submission were dropped.
-- $1 id, $2 now
update submission set rows_dropped_at = $2 where submission_id = $1
