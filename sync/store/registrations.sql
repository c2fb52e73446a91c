-- name: prepare_session
-- Once a connection of the API: its few statements are planned once, because planning costs more than a look-up.
select set_config('plan_cache_mode', 'force_generic_plan', false), set_config('jit', 'off', false);

-- name: look_up
-- The present state of these codes, personal fields masked.
-- $1 codes
select r.uscc, r.registered, r.version, r.status, r.office, r.receipt_id, r.valid_from, r.recorded_at, r.is_public, r.open_case,
       r.predecessor_uscc, case when r.registered then mask_personal(v.record)::text end as record
from registration r
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
where r.uscc = any($1);

-- name: look_up_unmasked
-- The present state of these codes as it is: only after the audit has its line.
-- $1 codes
select r.uscc, r.registered, r.version, r.status, r.office, r.receipt_id, r.valid_from, r.recorded_at, r.is_public, r.open_case,
       r.predecessor_uscc, case when r.registered then v.record::text end as record
from registration r
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
where r.uscc = any($1);

-- name: tombstones
-- Every withdrawal of a code that was known at an instant and had happened by another, first holder first.
-- $1 code, $2 recorded up to or null, $3 occurred up to or null
select holding, occurred_at, recorded_at, successor_uscc, reason
from withdrawn_code
where uscc = $1
  and ($2::timestamptz is null or recorded_at <= $2)
  and ($3::timestamptz is null or occurred_at <= $3)
order by holding;

-- name: applied
-- Every applied record of a code that was known at an instant: its versions, and the marks of unchanged ones.
-- $1 code, $2 recorded up to or null, $3 whether personal fields are shown
select v.holding, v.operation, v.kind, v.superseded, v.key_major, v.occurred_at, v.message_id, v.name_key, v.version, v.office,
       v.receipt_id, v.recorded_at, v.recorded_at as applied_at, v.predecessor_uscc, false as mark,
       null::timestamptz as confirms_since,
       case when $3 then v.record else mask_personal(v.record) end::text as record
from registration_version v
where v.uscc = $1 and ($2::timestamptz is null or v.recorded_at <= $2)
union all
select m.holding, m.operation, '', false, m.key_major, m.occurred_at, m.message_id, m.name_key, m.confirms_version, v.office,
       v.receipt_id, v.recorded_at, m.recorded_at, null, true, v.occurred_at,
       case when $3 then v.record else mask_personal(v.record) end::text
from registration_mark m
join registration_version v on v.uscc = m.uscc and v.version = m.confirms_version
where m.uscc = $1 and ($2::timestamptz is null or m.recorded_at <= $2);

-- name: present
-- What the present row of a code says of who may see it and whether it is under a case.
-- $1 code
select registered, holding, is_public, open_case, predecessor_uscc from registration where uscc = $1;

-- name: nonconforming
-- Which of these codes stand in the exceptions register.
-- $1 codes
select uscc from nonconforming_code where uscc = any($1);

-- name: publicly_registered
-- Which of these codes are held by an organization that everybody may see.
-- $1 codes
select uscc from registration where uscc = any($1) and registered and is_public;
