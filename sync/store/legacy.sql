-- name: keep_organizations
-- Keep organizations from before the unified code; of one that is known, what it did not say before. Returns whether each is new.
-- $1 kinds, $2 numbers, $3 office, $4 divisions, $5 names, $6 codes, $7 registration numbers, $8 organization codes,
-- $9 tax numbers, $10 the file, $11 now, $12 who
insert into legacy_stock as s (kind, number, office, division_code, name, uscc, registration_number, organization_code,
                               tax_number, source, loaded_at, loaded_by)
select distinct on (n.kind, n.number) n.kind, n.number, $3, n.division_code, n.name, n.uscc, n.registration_number,
       n.organization_code, n.tax_number, $10, $11, $12
from unnest($1::text[], $2::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
     as n (kind, number, division_code, name, uscc, registration_number, organization_code, tax_number)
order by n.kind, n.number, n.uscc nulls last
on conflict (kind, number) do update set
    name = coalesce(s.name, excluded.name), uscc = coalesce(s.uscc, excluded.uscc),
    organization_code = coalesce(s.organization_code, excluded.organization_code),
    tax_number = coalesce(s.tax_number, excluded.tax_number)
returning (xmax = 0) as is_new

-- name: map_numbers
-- Let old numbers lead to codes, where they lead nowhere yet.
-- $1 kinds, $2 numbers, $3 codes, $4 the file, $5 now
insert into legacy_number (kind, number, uscc, source, recorded_at)
select distinct on (n.kind, n.number) n.kind, n.number, n.uscc, $4, $5
from unnest($1::text[], $2::text[], $3::text[]) with ordinality as n (kind, number, uscc, place)
order by n.kind, n.number, n.place
on conflict (kind, number) do nothing
returning kind

-- name: led_elsewhere
-- Which of these numbers lead to another code than is said here.
-- $1 kinds, $2 numbers, $3 codes
select n.kind, n.number, n.uscc as said, l.uscc as known
from unnest($1::text[], $2::text[], $3::text[]) as n (kind, number, uscc)
join legacy_number l using (kind, number)
where l.uscc <> n.uscc

-- name: conversion
-- How many organizations from before the unified code there are, and how many have been converted; '' is the whole office.
-- $1 office or null
select office, coalesce(division_code, '') as division_code, count(*) as organizations,
       count(*) filter (where uscc is not null) as mapped, count(*) filter (where converted) as converted
from legacy_conversion
where $1::text is null or office = $1
group by grouping sets ((office, division_code), (office))
order by office, coalesce(division_code, '')
