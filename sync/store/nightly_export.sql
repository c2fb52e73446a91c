-- name: register
-- The codes that an office is at home with (view at_home), as they stand, from uscc.codes_from to before
-- uscc.codes_below. Both tables are bounded, so that a part is read by index.
select h.uscc, h.status, h.receipt_id, v.record::text as record
from at_home h
join registration_version v
  on v.uscc = h.uscc and v.version = h.particulars_version and v.recorded_at = h.particulars_recorded_at
where h.uscc >= current_setting('uscc.codes_from') and h.uscc < current_setting('uscc.codes_below')
  and v.uscc >= current_setting('uscc.codes_from') and v.uscc < current_setting('uscc.codes_below')

-- name: register_of_codes
-- The same of the codes in uscc.codes, separated by commas.
select r.uscc, r.status, r.receipt_id, v.record::text as record
from registration r
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
where r.registered and r.uscc = any (string_to_array(current_setting('uscc.codes'), ','))

-- name: set_codes
-- Say which codes are wanted.
-- $1 codes, separated by commas
select set_config('uscc.codes', $1, true)

-- name: isolate
-- See one state of the registry for as long as the transaction lasts.
set transaction isolation level repeatable read

-- name: take_snapshot
-- See what the session sees that exported this snapshot; it has to be there still.
set transaction snapshot '$snapshot'

-- name: export_snapshot
-- Let other sessions see what this one sees, for as long as its transaction lasts.
select pg_export_snapshot()

-- name: sample_share
-- How many rows in a hundred make about uscc.sample codes.
select least(100, 100 * current_setting('uscc.sample')::real / greatest(1, max(reltuples)))::real
from pg_class where oid = 'registration'::regclass

-- name: code_bounds
-- The codes that cut the registry into uscc.parts parts of about the same size, by a sample of it.
select distinct unnest(percentile_disc(
           (select array_agg(n::float8 / current_setting('uscc.parts')::int)
            from generate_series(1, current_setting('uscc.parts')::int - 1) n)
       ) within group (order by uscc)) as uscc
from registration tablesample system (current_setting('uscc.share')::real)
where left(uscc, 1) = any (string_to_array(current_setting('uscc.first_characters'), ','))
order by 1
