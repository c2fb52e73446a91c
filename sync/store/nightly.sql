-- name: clock
-- The database's time.
select clock_timestamp()

-- name: first_instant
-- When this registry began: the first record that arrived (receipts begin with the instant), or the first ruleset.
select least((select received_at from raw_message order by receipt_id limit 1), (select min(loaded_at) from ruleset))

-- name: first_sealed
-- The first day that was ever sealed.
select min(date) from statement

-- name: sealed_days
-- Which statements are sealed between two days.
-- $1 first day, $2 last day
select date, office from statement where date between $1 and $2

-- name: positions
-- Where the partitions of an office stand.
-- $1 office
select topic, partition, next_offset, last_received_at, halted_reason from partition_progress where office = $1

-- name: received
-- How many records of an office arrived in a day, counted by their stored bytes; receipts begin with the instant.
-- $1 office, $2 begins, $3 ends, $4 first receipt, $5 behind the last receipt
select count(*)
from disposition d
join raw_message r using (receipt_id, received_at)
where d.office = $1 and d.attempt = 1 and d.received_at >= $2 and d.received_at < $3
  and r.received_at >= $2 and r.received_at < $3 and r.receipt_id >= $4 and r.receipt_id < $5

-- name: counts
-- First dispositions of an office in a day.
-- $1 office, $2 begins, $3 ends
select disposition, count(*) as records, min(sequence) as first_sequence, max(sequence) as last_sequence,
       min(received_at) as first_received_at
from disposition
where office = $1 and attempt = 1 and received_at >= $2 and received_at < $3
group by disposition

-- name: holds
-- Records that came to wait, and those that no longer did, before and in a span; an attempt happens when it is decided.
-- $1 office, $2 begins, $3 ends
with attempts as (
    select receipt_id, attempt, disposition, lag(disposition) over (partition by receipt_id order by attempt) as before,
           case when attempt = 1 then received_at else greatest(decided_at, received_at) end as at
    from disposition
    where office = $1 and (disposition = 'held' or attempt > 1) and received_at < $3
)
select count(*) filter (where at < $2 and disposition = 'held' and before is distinct from 'held')
           - count(*) filter (where at < $2 and disposition <> 'held' and before = 'held') as opening,
       count(*) filter (where at >= $2 and at < $3 and disposition = 'held' and before is distinct from 'held') as new,
       count(*) filter (where at >= $2 and at < $3 and disposition <> 'held' and before = 'held') as resolved
from attempts

-- name: opening
-- The holds with which the day before was sealed.
-- $1 day before, $2 office
select closing from statement where date = $1 and office = $2

-- name: batches
-- The batches of a day: those of which something came, those declared for it, and those still short.
-- $1 office, $2 day, $3 begins, $4 ends, $5 the first instant that is not in batch_count
with recent as (
    select batch_id,
           count(*) filter (where received_at >= $3) as received,
           count(*) as unsealed,
           count(*) filter (where received_at >= $3 and 'M01' = any(rules)) as altered
    from disposition
    where office = $1 and attempt = 1 and batch_id is not null and received_at >= least($3, $5) and received_at < $4
    group by batch_id
), earlier as (
    select batch_id, sum(received)::bigint as received
    from batch_count
    where office = $1 and date < $2
    group by batch_id
)
select batch_id, b.records as declared, coalesce(r.received, 0) as received,
       coalesce(r.unsealed, 0) + coalesce(e.received, 0) as received_to_date, coalesce(r.altered, 0) as altered
from (select batch_id, records, date from batch where office = $1 and date <= $2) b
full join recent r using (batch_id)
left join earlier e using (batch_id)
where coalesce(r.received, 0) > 0 or b.date = $2
   or (b.date >= $2 - 30 and coalesce(r.unsealed, 0) + coalesce(e.received, 0) < b.records)
order by batch_id collate "C"

-- name: seal
-- Seal a statement; the first one stands.
-- $1 date, $2 office, $3 closing, $4 first sequence, $5 last sequence, $6 digest, $7 sealed at, $8 body
insert into statement (date, office, closing, first_sequence, last_sequence, digest, sealed_at, body)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict do nothing

-- name: keep_batches
-- What came of each batch on a sealed day.
-- $1 office, $2 day, $3 batches, $4 received, $5 altered
insert into batch_count (office, batch_id, date, received, altered)
select $1, t.batch_id, $2, t.received, t.altered
from unnest($3::text[], $4::bigint[], $5::bigint[]) as t (batch_id, received, altered)
where t.received > 0
on conflict do nothing

-- name: statement_of
-- A sealed statement.
-- $1 date, $2 office
select body, first_sequence, last_sequence from statement where date = $1 and office = $2

-- name: sealed_bounds
-- Between which instants a sealed day was counted.
-- $1 date, $2 office
select (body::json ->> 'begins_at')::timestamptz as begins, (body::json ->> 'ends_at')::timestamptz as ends
from statement where date = $1 and office = $2

-- name: last_sealed
-- The last sealed day of an office before another.
-- $1 office, $2 day
select max(date) from statement where office = $1 and date < $2

-- name: statements_on
-- The sealed statements of some days, newest first.
-- $1 days, $2 office or null
select date, office, body from statement
where date = any($1) and ($2::text is null or office = $2)
order by date desc, office

-- name: items
-- The returns behind a number of a statement: first dispositions of the day, in sequence.
-- $1 office, $2 begins, $3 ends, $4 behind this sequence, $5 up to this sequence or null, $6 disposition or null,
-- $7 batch or null, $8 only those whose message id was known with other content, $9 at most
select sequence, return_text
from disposition
where office = $1 and attempt = 1 and received_at >= $2 and received_at < $3
  and sequence > $4 and sequence <= coalesce($5::bigint, 9223372036854775807)
  and ($6::text is null or disposition = $6)
  and ($7::text is null or batch_id = $7)
  and (not $8::boolean or 'M01' = any(rules))
order by sequence
limit $9

-- name: hold_items
-- The returns behind the holds of a statement: by which a record came to wait, or no longer did.
-- $1 office, $2 begins, $3 ends, $4 opening, new, resolved or closing, $5 behind this sequence, $6 at most
with attempts as (
    select receipt_id, attempt, disposition, sequence, received_at,
           lag(disposition) over (partition by receipt_id order by attempt) as before,
           case when attempt = 1 then received_at else greatest(decided_at, received_at) end as at
    from disposition
    where office = $1 and (disposition = 'held' or attempt > 1) and received_at < $3
), latest as (
    select distinct on (receipt_id) sequence, received_at, disposition
    from attempts
    where at < case $4::text when 'opening' then $2 else $3 end
    order by receipt_id, attempt desc
), asked as (
    select sequence, received_at from latest where $4 in ('opening', 'closing') and disposition = 'held'
    union all
    select sequence, received_at from attempts
    where at >= $2 and at < $3
      and (($4 = 'new' and disposition = 'held' and before is distinct from 'held')
           or ($4 = 'resolved' and disposition <> 'held' and before = 'held'))
)
select d.sequence, d.return_text
from asked a
join disposition d on d.office = $1 and d.sequence = a.sequence and d.received_at = a.received_at
where a.sequence > $5
order by a.sequence
limit $6

-- name: steps
-- The steps of a night that are done.
-- $1 date
select office, step, detail::text as detail from nightly_step where date = $1

-- name: finish_step
-- Note that a step is done.
-- $1 date, $2 office, $3 step, $4 detail
insert into nightly_step (date, office, step, detail) values ($1, $2, $3, $4::jsonb)
on conflict (date, office, step) do update set done_at = now(), detail = excluded.detail

-- name: state_of_nights
-- What the dead man's switch and the silent offices are told by.
-- $1 the last complete day, $2 begins of the running day, $3 offices
select o.office,
       (select count(*) from statement s where s.date = $1 and s.office = o.office) = 1 as sealed,
       (select max(s.sealed_at) from statement s where s.office = o.office) as last_sealed_at,
       (select max(p.last_received_at) >= $2 from partition_progress p where p.office = o.office) as heard,
       (select coalesce((n.detail -> 'running_out' ->> o.office)::integer, 0)
        from nightly_step n where n.step = 'segments' order by n.date desc limit 1) as segments_running_out
from unnest($3::text[]) as o (office)

-- name: finished_steps
-- Which steps are done of the nights between two days.
-- $1 first day, $2 last day
select date, office, step from nightly_step where date between $1 and $2

-- name: trend
-- The sealed statements between two days, oldest first.
-- $1 first day, $2 last day
select date, office, body from statement where date between $1 and $2 order by date, office
