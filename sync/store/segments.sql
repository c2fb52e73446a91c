-- name: generation
-- What tells whether segments were loaded since they were read: 0 before the first.
select coalesce(max(segment_id), 0) as generation from code_segment

-- name: segments
-- Every segment, in order.
select first_body, last_body, office, registrar_code, registrar_name, allocated_on from code_segment order by first_body

-- name: add_segments
-- Allocate segments.
-- $1 first bodies, $2 last bodies, $3 offices, $4 registrars' codes, $5 their names, $6 dates of allocation, $7 the
-- file, $8 now, $9 who
insert into code_segment (first_body, last_body, office, registrar_code, registrar_name, allocated_on, source, loaded_at, loaded_by)
select s.first_body, s.last_body, s.office, s.registrar_code, s.registrar_name, s.allocated_on, $7, $8, $9
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[])
     as s (first_body, last_body, office, registrar_code, registrar_name, allocated_on)

-- name: use
-- How many codes were ever registered from each segment; by the index on the subject code.
select s.first_body,
       (select count(*) from registration r
        where substr(r.uscc, 9, 9) >= s.first_body and substr(r.uscc, 9, 9) <= s.last_body || 'Z') as used,
       (select max(substr(r.uscc, 9, 8)) from registration r
        where substr(r.uscc, 9, 9) >= s.first_body and substr(r.uscc, 9, 9) <= s.last_body || 'Z') as latest
from code_segment s
order by s.first_body
