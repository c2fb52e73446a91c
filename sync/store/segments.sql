-- name: generation
-- What tells whether segments were allocated or withdrawn since they were read: 0 before the first.
select coalesce(max(segment_id), 0) + (select count(*) from code_segment_withdrawal) as generation from code_segment

-- name: segments
-- Every segment that is allocated, in order.
select first_body, last_body, office, registrar_code, registrar_name, allocated_on
from allocated_segment
order by first_body

-- name: add_segments
-- Allocate segments.
-- $1 first bodies, $2 last bodies, $3 offices, $4 registrars' codes, $5 their names, $6 dates of allocation, $7 the
-- file, $8 now, $9 who
insert into code_segment (first_body, last_body, office, registrar_code, registrar_name, allocated_on, source, loaded_at, loaded_by)
select s.first_body, s.last_body, s.office, s.registrar_code, s.registrar_name, s.allocated_on, $7, $8, $9
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[])
     as s (first_body, last_body, office, registrar_code, registrar_name, allocated_on)

-- name: withdraw
-- Withdraw the allocations that begin with these bodies, or that were loaded from this file.
-- $1 first bodies, $2 the file or null, $3 now, $4 who, $5 why
with withdrawn as (
    insert into code_segment_withdrawal (segment_id, withdrawn_at, withdrawn_by, reason)
    select s.segment_id, $3, $4, $5 from allocated_segment s where s.first_body = any($1) or s.source = $2
    returning segment_id
)
select s.first_body, s.last_body, s.office, s.registrar_code, s.registrar_name, s.allocated_on
from code_segment s
join withdrawn using (segment_id)
order by s.first_body

-- name: history
-- Every allocation that ever was, with what became of it, in the order in which they were loaded.
select s.first_body, s.last_body, s.office, s.registrar_code, s.registrar_name, s.allocated_on, s.source, s.loaded_at,
       s.loaded_by, w.withdrawn_at, w.withdrawn_by, w.reason
from code_segment s
left join code_segment_withdrawal w using (segment_id)
order by s.segment_id

-- name: use
-- How many codes were ever registered from each segment; by the index on the subject code.
select s.first_body,
       (select count(*) from registration r
        where substr(r.uscc, 9, 9) >= s.first_body and substr(r.uscc, 9, 9) <= s.last_body || 'Z') as used,
       (select max(substr(r.uscc, 9, 8)) from registration r
        where substr(r.uscc, 9, 9) >= s.first_body and substr(r.uscc, 9, 9) <= s.last_body || 'Z') as latest
from allocated_segment s
order by s.first_body
