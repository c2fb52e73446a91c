-- name: begin
-- Make the row of a comparison whose file is about to come.
-- $1 office, $2 date, $3 format, $4 forced, $5 by whom, $6 digest of the file or null
insert into comparison (comparison_id, office, date, number, format, forced, handed_in_by, sha256)
select 'C-' || $1 || '-' || to_char($2::date, 'YYYYMMDD') || '-' || n.number, $1, $2, n.number, $3, $4, $5, $6
from (select coalesce(max(number), 0) + 1 as number from comparison where office = $1 and date = $2) n
returning comparison_id

-- name: same_file
-- The comparison of the same file that was not finished, or was while the registry stood where it stands.
-- $1 office, $2 date, $3 by whom, $4 digest of the file, $5 forced
select comparison_id, state = 'done' as done from comparison
where office = $1 and date = $2 and handed_in_by = $3 and sha256 = $4 and forced = $5
  and (state = 'receiving'
       or (state = 'done'
           and feed_sequence = coalesce((select value from sequence_counter where name = 'changes'), 0)))
order by number desc
limit 1

-- name: add_chunk
-- Keep a part of the file.
-- $1 comparison, $2 number of the part, $3 bytes
insert into comparison_chunk (comparison_id, number, body) values ($1, $2, $3)

-- name: hand_in
-- The whole file is there: it may be compared.
-- $1 comparison, $2 bytes
update comparison set state = 'running', bytes = $2, handed_in_at = now() where comparison_id = $1

-- name: stop_receiving
-- The file stopped coming; the nightly run lets what has come of it go.
-- $1 comparison
update comparison
set state = 'failed', finished_at = now(), problem = '{"code": "truncated", "facts": {}}'
where comparison_id = $1 and state = 'receiving'

-- name: drop_left_chunks
-- What has come of files that stopped coming.
delete from comparison_chunk k using comparison c where c.comparison_id = k.comparison_id and c.state = 'failed'

-- name: chunk
-- One part of the file.
-- $1 comparison, $2 number of the part
select body from comparison_chunk where comparison_id = $1 and number = $2

-- name: drop_chunks
-- The file is no longer needed.
-- $1 comparison
delete from comparison_chunk where comparison_id = $1

-- name: waiting
-- Comparisons that wait for their turn, oldest first.
select comparison_id, office, date, format, forced, handed_in_at
from comparison
where state = 'running'
order by handed_in_at, comparison_id

-- name: begin_try
-- Note that a run takes a comparison up; how often that has been.
-- $1 comparison
update comparison set tries = tries + 1 where comparison_id = $1 returning tries

-- name: forget_tries
-- The database or the brokers were away: that says nothing of the register.
-- $1 comparison
update comparison set tries = 0 where comparison_id = $1

-- name: order_of
-- What one comparison is to compare.
-- $1 comparison
select comparison_id, office, date, format, forced, handed_in_at from comparison where comparison_id = $1

-- name: abandoned
-- Files that stopped coming: nobody sends them any more.
-- $1 begun before
update comparison
set state = 'failed', finished_at = now(), problem = '{"code": "truncated", "facts": {}}'
where state = 'receiving' and handed_in_at < $1
returning comparison_id

-- name: last_done
-- The last register of an office that was compared, whatever its date, other than this one.
-- $1 office, $2 this comparison
select comparison_id, date, office_total
from comparison
where office = $1 and state = 'done' and comparison_id <> $2
order by date desc, number desc
limit 1

-- name: night_before
-- The comparison that differences are aged from: the last one of an earlier date.
-- $1 office, $2 date
select comparison_id from comparison
where office = $1 and state = 'done' and date < $2
order by date desc, number desc
limit 1

-- name: ages
-- For how many nights these codes have differed, and since when.
-- $1 the comparison before, $2 codes
select uscc, nights, since from comparison_item where comparison_id = $1 and uscc = any($2) and kind <> 'pending'

-- name: last_receipts
-- The last record of each code here: applied, confirmed, rejected, waiting or withdrawn.
-- $1 codes, $2 office
select u.uscc, max(f.receipt_id) as receipt_id
from unnest($1::text[]) as u (uscc)
cross join lateral (
    select v.receipt_id from registration_version v where v.uscc = u.uscc
    union all
    select m.receipt_id from registration_mark m where m.uscc = u.uscc
    union all
    select c.receipt_id from rejected_claim c where c.office = $2 and c.uscc = u.uscc
    union all
    select c.receipt_id from case_member c where c.uscc = u.uscc and c.ended_at is null and c.role = 'held'
    union all
    select w.receipt_id from withdrawn_code w where w.uscc = u.uscc
) f
where length(f.receipt_id) = 26
group by u.uscc

-- name: clear_items
-- Forget what an interrupted run wrote.
-- $1 comparison
delete from comparison_item where comparison_id = $1

-- name: finish
-- What a comparison came to.
-- $1 comparison, $2 columns, $3 office total, $4 registry total, $5 equal, $6 different, $7 missing here,
-- $8 missing there, $9 pending of the office, $10 pending of the registry, $11 sequence of the feed
update comparison
set state = 'done', finished_at = now(), columns = $2, office_total = $3, registry_total = $4, equal = $5,
    different = $6, missing_here = $7, missing_there = $8, pending_office = $9, pending_registry = $10,
    feed_sequence = $11
where comparison_id = $1

-- name: fail
-- Why a register could not be compared.
-- $1 comparison, $2 problem
update comparison set state = 'failed', finished_at = now(), problem = $2::jsonb where comparison_id = $1

-- name: comparison
-- One comparison.
-- $1 comparison, $2 office or null
select comparison_id, office, date, state, format, forced, handed_in_at, handed_in_by, finished_at, problem::text as problem, columns,
       office_total, registry_total, equal, different, missing_here, missing_there, pending_office, pending_registry
from comparison
where comparison_id = $1 and ($2::text is null or office = $2)

-- name: comparisons
-- Comparisons, newest date first, of a date the last one first.
-- $1 office or null, $2 date or null, $3 behind this date or null, $4 and this comparison, $5 at most
select comparison_id, office, date, state, format, forced, handed_in_at, handed_in_by, finished_at, problem::text as problem, columns,
       office_total, registry_total, equal, different, missing_here, missing_there, pending_office, pending_registry
from comparison
where ($1::text is null or office = $1) and ($2::date is null or date = $2)
  and ($3::date is null
       or (date, number, comparison_id)
          < ($3, coalesce((select c.number from comparison c where c.comparison_id = $4::text), 0), $4::text))
order by date desc, number desc, comparison_id desc
limit $5

-- name: comparison_on
-- The last finished comparison of an office for a day.
-- $1 office, $2 date
select comparison_id, office, date, state, format, forced, handed_in_at, handed_in_by, finished_at, problem::text as problem, columns,
       office_total, registry_total, equal, different, missing_here, missing_there, pending_office, pending_registry
from comparison
where office = $1 and date = $2 and state = 'done'
order by number desc
limit 1

-- name: items
-- What is not equal, by code.
-- $1 comparison, $2 kind or null, $3 behind this code or null, $4 at most
select kind, uscc, fields::text as fields, receipt_id, nights, since
from comparison_item
where comparison_id = $1 and ($2::text is null or kind = $2) and ($3::text is null or uscc > $3)
order by uscc
limit $4

-- name: settling
-- What the office would have to send, by code: its own row, and what the registry holds of the code.
-- $1 comparison, $2 behind this code or null, $3 at most
select i.kind, i.uscc, i."row"::text as "row", r.status, v.record::text as record
from comparison_item i
left join registration r on r.uscc = i.uscc and r.registered
left join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
where i.comparison_id = $1 and i."row" is not null and i.kind in ('different', 'missing_here')
  and ($2::text is null or i.uscc > $2)
order by i.uscc
limit $3

-- name: expected_rows
-- About how many codes there are, from the planner's statistics.
select greatest(reltuples, 0)::bigint from pg_class where oid = 'registration'::regclass

-- name: digest_prefixes
-- Digest the whole registry by the first eight characters of its codes, at the feed's sequence of the same moment.
insert into register_digest (prefix, records, sum, xor, sequence, recorded_at)
select left(uscc, 8), count(*), mod(sum(version_hash(uscc, version)::numeric), 18446744073709551616),
       bit_xor(version_hash(uscc, version)),
       coalesce((select value from sequence_counter where name = 'changes'), 0), statement_timestamp()
from registration
where registered
group by 1
on conflict (prefix) do update
set records = excluded.records, sum = excluded.sum, xor = excluded.xor, sequence = excluded.sequence,
    recorded_at = excluded.recorded_at

-- name: drop_stale_digests
-- Prefixes of which no code is left.
delete from register_digest where recorded_at < statement_timestamp() and recorded_at < (select max(recorded_at) from register_digest)

-- name: digests
-- The digests that the last night left.
select prefix, records, sum::text as sum, xor, sequence, recorded_at from register_digest order by prefix

-- name: digests_below
-- Digests of the codes below a prefix as they stand now, by the next four characters, with the feed's sequence.
-- $1 prefix of at least eight characters, $2 behind its last code
select left(uscc, length($1) + 4) as prefix, count(*) as records,
       mod(sum(version_hash(uscc, version)::numeric), 18446744073709551616)::text as sum,
       bit_xor(version_hash(uscc, version)) as xor,
       coalesce((select value from sequence_counter where name = 'changes'), 0) as sequence
from registration
where registered and uscc >= $1 and uscc < $2
group by 1
order by 1

-- name: feed_sequence
-- How far the feed has come.
select coalesce((select value from sequence_counter where name = 'changes'), 0)
