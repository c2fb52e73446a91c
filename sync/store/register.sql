-- name: nonconforming_codes
-- The codes that fail a check and are in use all the same.
select uscc from nonconforming_code
