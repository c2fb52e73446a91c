-- name: freeze
-- See the registry as it stands at one instant, whatever is written meanwhile.
set transaction isolation level repeatable read, read only

-- name: size
-- About how many codes there are.
select greatest(0, reltuples)::bigint from pg_class where oid = 'registration'::regclass

-- name: part
-- The numbers of a part of all codes, eight bytes each, the first byte first, in one value, so that nobody takes rows apart;
-- and how many codes have none. A part is those whose number has uscc.part in the bits of uscc.mask. Without groups, so that
-- PostgreSQL's workers share it. uscc.with_status: 1 mixes the status into `number`, by its first letter; 0 does not.
select string_agg(int8send(number), '') as numbers,
       count(*) - count(row_hash) as unnumbered
from at_home
where coalesce(row_hash, 0) & (select current_setting('uscc.mask')::bigint) = (select current_setting('uscc.part')::bigint)

-- name: of
-- Some of these codes with their numbers.
-- uscc.codes: which, separated by commas.
select h.uscc, h.number
from unnest((select string_to_array(current_setting('uscc.codes'), ','))::text[]) as w (uscc)
join at_home h on h.uscc = w.uscc

-- name: rows_of
-- Some of these codes as `register` of nightly_export.sql gives them, with their numbers.
-- uscc.codes: which, separated by commas.
select h.uscc, h.status, h.receipt_id, v.record::text as record, h.number
from unnest((select string_to_array(current_setting('uscc.codes'), ','))::text[]) as w (uscc)
join at_home h on h.uscc = w.uscc
join registration_version v
  on v.uscc = h.uscc and v.version = h.particulars_version and v.recorded_at = h.particulars_recorded_at

-- name: codes_of
-- The codes of some numbers, and those without one.
-- uscc.numbers: which, separated by commas.
select uscc from at_home
where row_hash is null
   or number in (select unnest(string_to_array(current_setting('uscc.numbers'), ',')::bigint[]))

-- name: choose
-- Say what the next statement is about.
-- $1 a setting, $2 codes or numbers, separated by commas
select set_config($1, $2, false)

-- name: backlog
-- Up to which code the numbers of what stood here before they were kept are filled in; no row: all are.
select place from backlog where name = 'row_hash'

-- name: unnumbered
-- Some codes behind the last one, with their records; the record is null where the number is known.
-- $1 the last code, $2 how many
select r.uscc, case when r.row_hash is null then v.record::text end as record
from (select * from registration where uscc > $1 order by uscc limit $2) r
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
order by r.uscc

-- name: fill
-- Write the numbers of some codes.
-- $1 codes, $2 their numbers
update registration r set row_hash = n.number from unnest($1::text[], $2::bigint[]) as n (uscc, number) where r.uscc = n.uscc

-- name: move_backlog
-- Remember how far it came.
-- $1 the last code
update backlog set place = $1 where name = 'row_hash'

-- name: end_backlog
-- Nothing is left to be done.
delete from backlog where name = 'row_hash'
