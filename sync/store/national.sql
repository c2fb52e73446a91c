-- name: keep_claims
-- What the national centre's summary said.
-- $1 ids, $2 cases, $3 codes, $4 names, $5 kinds, $6 lines, $7 row numbers, $8 digest of the file, $9 its name, $10 now,
-- $11 who
insert into national_claim (claim_id, case_id, uscc, name, kind, line, row_number, file_sha256, file_name, imported_at, imported_by)
select c.claim_id, c.case_id, c.uscc, c.name, c.kind, c.line, c.row_number, $8, $9, $10, $11
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::integer[])
     as c (claim_id, case_id, uscc, name, kind, line, row_number)
