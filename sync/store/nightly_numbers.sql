-- name: freeze
-- See the registry as it stands at one instant, whatever is written meanwhile.
set transaction isolation level repeatable read, read only

-- name: hashes
-- The codes that an office is at home with, as `register` of nightly_export.sql has them, each with the number of its record and the first letter of its status.
select r.uscc, r.row_hash, ascii(r.status) as status
from registration r
left join code_transfer t on t.uscc = r.uscc
where r.registered
  and case when t.office is not null then t.office = (select current_setting('uscc.office'))
           else left(r.uscc, 1) = any ((select string_to_array(current_setting('uscc.first_characters'), ','))::text[]) end

-- name: hashes_without
-- The same, of records without the members that the register lacks: made now, which takes longer.
-- uscc.lacking: those members, separated by commas.
select r.uscc, row_hash(v.record - (select string_to_array(current_setting('uscc.lacking'), ','))::text[]) as row_hash,
       ascii(r.status) as status
from registration r
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
left join code_transfer t on t.uscc = r.uscc
where r.registered
  and case when t.office is not null then t.office = (select current_setting('uscc.office'))
           else left(r.uscc, 1) = any ((select string_to_array(current_setting('uscc.first_characters'), ','))::text[]) end

-- name: rows_of
-- Some of these codes as `register` of nightly_export.sql gives them.
-- uscc.codes: which, separated by commas.
select r.uscc, r.status, r.receipt_id, v.record::text as record
from unnest((select string_to_array(current_setting('uscc.codes'), ','))::text[]) as w (uscc)
join registration r on r.uscc = w.uscc
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
left join code_transfer t on t.uscc = r.uscc
where r.registered
  and case when t.office is not null then t.office = (select current_setting('uscc.office'))
           else left(r.uscc, 1) = any ((select string_to_array(current_setting('uscc.first_characters'), ','))::text[]) end

-- name: numbers_of
-- The numbers of some of these codes: as they are stored, and made now without the members that the register lacks.
-- uscc.codes: which, separated by commas. uscc.lacking: as above.
select r.uscc, r.row_hash as stored,
       row_hash(v.record - (select string_to_array(current_setting('uscc.lacking'), ','))::text[]) as without
from unnest((select string_to_array(current_setting('uscc.codes'), ','))::text[]) as w (uscc)
join registration r on r.uscc = w.uscc
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
left join code_transfer t on t.uscc = r.uscc
where r.registered
  and case when t.office is not null then t.office = (select current_setting('uscc.office'))
           else left(r.uscc, 1) = any ((select string_to_array(current_setting('uscc.first_characters'), ','))::text[]) end

-- name: choose
-- Say which codes the next statement is about.
-- $1 codes, separated by commas
select set_config('uscc.codes', $1, false)

-- name: backlog
-- Up to which code the numbers of what stood here before they were kept are filled in; no row: all are.
select place from backlog where name = 'row_hash'

-- name: fill
-- Fill in the numbers of some codes behind the last one; under the writer's lock, so that nothing changes meanwhile.
-- $1 the last code, $2 how many
with chosen as (
    select uscc, particulars_version, particulars_recorded_at from registration where uscc > $1 order by uscc limit $2
), filled as (
    update registration r set row_hash = row_hash(v.record)
    from chosen s
    join registration_version v
      on v.uscc = s.uscc and v.version = s.particulars_version and v.recorded_at = s.particulars_recorded_at
    where r.uscc = s.uscc and r.row_hash is null
)
select max(uscc) from chosen

-- name: move_backlog
-- Remember how far it came.
-- $1 the last code
update backlog set place = $1 where name = 'row_hash'

-- name: end_backlog
-- Nothing is left to be done.
delete from backlog where name = 'row_hash'
