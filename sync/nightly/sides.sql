-- name: office_rows
-- The office's register with a hash of each row; both sides have the same columns in the same order, an empty text is absent.
-- `$wide` and `$narrow` are the full-width characters and what they are normalized to (rule E09).
with rows as (
    select case when regexp_full_match(uscc, '[0-9A-Z]+') then uscc
                else nullif(upper(trim(translate(uscc, $wide, $narrow))), '') end as uscc,
           case lower(status) when 'normal' then '1' when 'cancelled' then '2' when 'revoked' then '3' else nullif(status, '') end as status,
           coalesce(nullif(standing, ''), 'normal') as standing,
           coalesce(nullif(is_public, ''), '1') as is_public,
           nullif(columns(* exclude (uscc, status, standing, is_public)), '')
    from office_reader
)
select *, hash(*columns(* exclude (uscc))) as digest from rows

-- name: registry_rows
-- The registry's side of it; what the office's file has no column for is left out of both.
-- `$structure` names the members that are taken from the record.
with parsed as (
    select uscc, receipt_id, status as state, unnest(json_transform(record, $structure)) from registry_reader
), rows as (
    select uscc, receipt_id,
           case when $with_status then case state when 'normal' then '1' when 'cancelled' then '2' else '3' end end as status,
           case when $with_standing then coalesce(standing, 'normal') else 'normal' end as standing,
           case when $with_public then coalesce(is_public, '1') else '1' end as is_public,
           columns(* exclude (uscc, receipt_id, state, standing, is_public))
    from parsed
)
select *, hash(*columns(* exclude (uscc, receipt_id))) as digest from rows

-- name: keep_office
-- Keep the rows of the office's register for as long as the comparison lasts.
create table office as from ($rows)

-- name: keep_registry
-- Keep those of the registry.
create table registry as from ($rows)

-- name: office_digests
-- The rows of a part of the register as a cluster exchanges them; a hash there is a signed number.
select uscc, (digest::hugeint - 9223372036854775808)::bigint as digest from ($rows)

-- name: registry_digests
-- Those of a part of the registry.
select uscc, (digest::hugeint - 9223372036854775808)::bigint as digest, receipt_id from ($rows)

-- name: keep_made
-- Keep what a task of a cluster has made, before it hands it on.
create table made as from ($rows)

-- name: made
-- What it has made.
from made

-- name: keep_digests
-- Keep both sides of the codes that one task of a cluster compares, as `compare` wants them.
create table exchanged as from digests_reader;
create view office as select uscc, digest, part from exchanged where there;
create view registry as select uscc, digest, part, receipt_id from exchanged where not there

-- name: keep_wanted
-- Keep the codes that one task of a cluster is to look at.
create table verdict as select unnest($codes::varchar[]) as uscc

-- name: keep_undecided
-- Codes of which a record lies in the topic and is not decided yet.
create table undecided as select distinct unnest($codes::varchar[]) as uscc

-- name: count_office
-- How many rows there are, without code, and with a code that stands there more than once.
select count(*), count(*) filter (where uscc is null), count(*) - count(distinct uscc) - count(*) filter (where uscc is null)
from office

-- name: some_duplicates
-- Some codes that stand there more than once.
select uscc from office where uscc is not null group by uscc having count(*) > 1 order by uscc limit 10

-- name: compare
-- Every code that is not equal on both sides; what is younger than the cut-off, or not decided yet, is pending.
create table verdict as
with sides as (
    select coalesce(o.uscc, r.uscc) as uscc, o.uscc is not null as there, r.uscc is not null as here,
           r.receipt_id >= $cutoff as younger
    from (select uscc, digest from office) o
    full join (select uscc, digest, receipt_id from registry) r on r.uscc = o.uscc
    where o.digest is distinct from r.digest
)
select s.uscc, s.there, s.here,
       case when u.uscc is not null or (s.here and s.younger) then 'pending'
            when s.there and s.here then 'different'
            when s.there then 'missing_here'
            else 'missing_there' end as kind
from sides s
left join undecided u on u.uscc = s.uscc

-- name: totals
-- What came of it.
select (select count(*) from office), (select count(*) from registry),
       count(*) filter (where kind = 'different'), count(*) filter (where kind = 'missing_here'),
       count(*) filter (where kind = 'missing_there'),
       count(*) filter (where kind = 'pending' and there), count(*) filter (where kind = 'pending' and here)
from verdict

-- name: part_verdicts
-- What is not equal, and in which part of either side it stands.
select v.uscc, v.kind, v.there, v.here, o.part as office_part, r.part as registry_part
from verdict v
left join office o on o.uscc = v.uscc
left join registry r on r.uscc = v.uscc

-- name: office_members
-- What the office says of the codes with a verdict; the members are one list.
select uscc, status, standing, is_public,
       list_value(*columns(* exclude (uscc, status, standing, is_public, digest))) as members
from ($rows) where uscc in (select uscc from verdict)

-- name: registry_members
-- What the registry says of them.
select uscc, status, standing, is_public, receipt_id,
       list_value(*columns(* exclude (uscc, status, standing, is_public, receipt_id, digest))) as members
from ($rows) where uscc in (select uscc from verdict)

-- name: differences
-- Both sides of what is not equal, by code.
select v.uscc, v.kind, v.there, v.here, o.status, o.standing, o.is_public, o.members,
       r.status, r.standing, r.is_public, r.members, r.receipt_id
from verdict v
left join ($there) o on o.uscc = v.uscc
left join ($here) r on r.uscc = v.uscc
order by v.uscc

-- name: limit_memory
-- How much may lie in memory before it goes to the folder; the order of rows is of no interest while loading.
set memory_limit = $memory
