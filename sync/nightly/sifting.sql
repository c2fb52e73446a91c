-- name: as_written
-- Nothing may be moved about: the registry's numbers are what rows of the register are looked up in, one by one.
set disabled_optimizers = 'join_order,build_side_probe_side'

-- name: numbered
-- The office's rows with the number of each (sync/row_hash.py), the status mixed in where the register has one.
select *,
       xor((md5_number_upper(concat(
           approved_on, chr(31), business_scope, chr(31), contact_name, chr(31), contact_phone, chr(31), currency,
           chr(31), economic_type_code, chr(31), employee_count, chr(31), established_on, chr(31), industry_code,
           chr(31), investor_names, chr(31), nullif(is_public, '1'), chr(31), last_updated_on, chr(31),
           legal_representative_id_number, chr(31), legal_representative_id_type, chr(31), legal_representative_name,
           chr(31), name, chr(31), operating_address, chr(31), operating_division_code, chr(31), organization_code,
           chr(31), registered_address, chr(31), registered_capital, chr(31), registered_division_code, chr(31),
           registrar_code, chr(31), registrar_name, chr(31), registration_number, chr(31), nullif(standing, 'normal'),
           chr(31), supervising_unit, chr(31), supervising_unit_code, chr(31), valid_from, chr(31), valid_to)) >> 1)::bigint,
           case when not $with_status then 0
                else case status when '1' then 110 when '2' then 99 when '3' then 114
                                 when 'normal' then 110 when 'cancelled' then 99 when 'revoked' then 114 end end) as number
from office_reader

-- name: sift
-- What is not the same on both sides: rows of the register, and beside them codes of the registry.
create table sifted as
select o.* exclude (number), r.uscc as here
from ($rows) o
full join (select uscc, xor(row_hash, case when $with_status then status else 0 end) as number from numbers_reader) r
  on r.uscc = o.uscc and r.number = o.number
where o.uscc is null or r.uscc is null

-- name: count_sifted
-- How many rows of the register are left, and how many codes of the registry.
select count(*) filter (where here is null), count(here) from sifted

-- name: odd_codes
-- Codes that the register writes in a form of its own.
select uscc from sifted where here is null and not regexp_full_match(uscc, '[0-9A-Z]+')

-- name: make_fetched
-- Where the registry's rows of the codes that are left come to lie.
create table fetched (uscc varchar, status varchar, receipt_id varchar, record varchar)

-- name: codes_left
-- The codes that are left on either side, those that the register writes in a form of its own in their normal form.
select coalesce(here, uscc) from sifted where regexp_full_match(coalesce(here, uscc), '[0-9A-Z]+')
union
select unnest($forms::varchar[])

-- name: keep_fetched
-- Keep some of these rows.
insert into fetched select uscc, status, receipt_id, record from fetched_batch

-- name: count_fetched
-- How many there are.
select count(*) from fetched

-- name: fetched_rows
-- These rows.
from fetched

-- name: sifted_rows
-- The rows of the register that are left.
select * exclude (here) from sifted where here is null

-- name: some_numbers
-- The numbers of some rows.
select uscc, number from ($rows)
