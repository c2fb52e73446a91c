-- name: prepare_session
-- Once a connection of the search: every search is planned by what it looks for, and never by reading all names.
select set_config('plan_cache_mode', 'force_custom_plan', false), set_config('jit', 'off', false),
       set_config('enable_seqscan', 'off', false), set_config('max_parallel_workers_per_gather', '0', false)

-- name: common_pairs
-- Which pairs of characters are common, how common, and how many names there are.
select bigram, frequency, (select reltuples from pg_class where oid = 'holder'::regclass) as names from common_bigrams()

-- name: by_prefix
-- Holders whose name begins so, by name.
-- $1 pattern, $2 at most so many, $3 division prefix, $4 office or null, $5 status or null, $6 hidden ones too
select h.uscc, h.name_key, reverse(h.subject_code) as place
from holder h
where h.name_key like $1 and starts_with(h.division_code, $3)
  and ($6 or not exists (select from registration r where r.uscc = h.uscc and not r.is_public))
  and ($4::text is null and $5::text is null
       or exists (select from registration r
                  where r.uscc = h.uscc and ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5)))
order by h.name_key, h.uscc
limit $2

-- name: by_piece
-- Holders with a piece in their name, scattered, behind a place.
-- $1 pattern, $2 at most so many, $3 division prefix, $4 office or null, $5 status or null, $6 hidden ones too, $7 place, $8 code
select h.uscc, h.name_key, reverse(h.subject_code) as place
from holder h
where h.name_key like $1 and starts_with(h.division_code, $3) and (reverse(h.subject_code), h.uscc) > ($7, $8)
  and ($6 or not exists (select from registration r where r.uscc = h.uscc and not r.is_public))
  and ($4::text is null and $5::text is null
       or exists (select from registration r
                  where r.uscc = h.uscc and ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5)))
order by reverse(h.subject_code), h.uscc
limit $2

-- name: by_rare_piece
-- The same for a piece that few names have: all of them are found first.
-- $1 pattern, $2 at most so many, $3 division prefix, $4 office or null, $5 status or null, $6 hidden ones too, $7 place, $8 code
with found as materialized (
    select h.uscc, h.name_key, h.division_code, reverse(h.subject_code) as place from holder h where h.name_key like $1
)
select h.uscc, h.name_key, h.place
from found h
where starts_with(h.division_code, $3) and (h.place, h.uscc) > ($7, $8)
  and ($6 or not exists (select from registration r where r.uscc = h.uscc and not r.is_public))
  and ($4::text is null and $5::text is null
       or exists (select from registration r
                  where r.uscc = h.uscc and ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5)))
order by h.place, h.uscc
limit $2

-- name: by_rare_pair
-- The same for two characters that few names have side by side.
-- $1 pair, $2 at most so many, $3 division prefix, $4 office or null, $5 status or null, $6 hidden ones too, $7 place, $8 code
with found as materialized (
    select h.uscc, h.name_key, h.division_code, reverse(h.subject_code) as place
    from holder h
    where name_bigrams(h.name_key) @> array[$1::text]
)
select h.uscc, h.name_key, h.place
from found h
where starts_with(h.division_code, $3) and (h.place, h.uscc) > ($7, $8)
  and ($6 or not exists (select from registration r where r.uscc = h.uscc and not r.is_public))
  and ($4::text is null and $5::text is null
       or exists (select from registration r
                  where r.uscc = h.uscc and ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5)))
order by h.place, h.uscc
limit $2

-- name: by_typos
-- Holders whose name has a piece that is one edit away; the wide patterns find, the exact ones decide. These are kept
-- from the index ("|| ''"): a pattern of pieces shorter than three characters would have it read whole.
-- $1 wide patterns, $2 at most so many each, $3 division prefix, $4 office or null, $5 status or null, $6 hidden ones too,
-- $7 without the character, $8 with another one, $9 with one more
select distinct found.uscc, found.name_key, found.place
from unnest($1::text[], $7::text[], $8::text[], $9::text[]) as p (wide, fewer, other, more)
cross join lateral (
    select h.uscc, h.name_key, reverse(h.subject_code) as place
    from holder h
    where h.name_key like p.wide and (h.name_key || '' like p.fewer or h.name_key || '' like p.other or h.name_key || '' like p.more)
      and starts_with(h.division_code, $3)
      and ($6 or not exists (select from registration r where r.uscc = h.uscc and not r.is_public))
      and ($4::text is null and $5::text is null
           or exists (select from registration r
                      where r.uscc = h.uscc and ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5)))
    limit $2
) found

-- name: by_short_typos
-- The same where no three characters stand together: pairs find.
-- $1 pairs, $2 to $9 as by_typos
select distinct found.uscc, found.name_key, found.place
from unnest($1::text[], $7::text[], $8::text[], $9::text[]) as p (pair, fewer, other, more)
cross join lateral (
    select h.uscc, h.name_key, reverse(h.subject_code) as place
    from holder h
    where name_bigrams(h.name_key) @> array[p.pair]
      and (h.name_key || '' like p.fewer or h.name_key || '' like p.other or h.name_key || '' like p.more)
      and starts_with(h.division_code, $3)
      and ($6 or not exists (select from registration r where r.uscc = h.uscc and not r.is_public))
      and ($4::text is null and $5::text is null
           or exists (select from registration r
                      where r.uscc = h.uscc and ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5)))
    limit $2
) found

-- name: by_codes
-- Holders of these codes.
-- $1 codes, $2 at most so many, $3 division prefix, $4 office or null, $5 status or null, $6 hidden ones too
select h.uscc, h.name_key, reverse(h.subject_code) as place
from holder h
join registration r on r.uscc = h.uscc and r.registered
where h.uscc = any($1) and starts_with(h.division_code, $3)
  and ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5) and ($6 or r.is_public)
order by h.uscc
limit $2

-- name: walk
-- The next holders by division and code, with whether they are looked for: who walks on sees where the walk ended.
-- $1 division behind which, $2 code behind which, $3 division prefix, $4 office or null, $5 status or null,
-- $6 hidden ones too, $7 at most so many, $8 the first division beyond the prefix
select h.uscc, h.division_code,
       (select ($4::text is null or r.office = $4) and ($5::text is null or r.status = $5) and ($6 or r.is_public)
        from registration r where r.uscc = h.uscc and r.registered) as wanted
from holder h
where (h.division_code, h.uscc) > ($1, $2) and h.division_code >= $3 and h.division_code < $8
order by h.division_code, h.uscc
limit $7

-- name: codes_of_numbers
-- The codes that old numbers lead to.
-- $1 kinds, $2 numbers
select uscc from legacy_number where kind = any($1) and number = any($2)
union
select uscc from legacy_stock where kind = any($1) and number = any($2) and uscc is not null

-- name: codes_of_subjects
-- The codes that were ever held with these subject identification codes.
-- $1 subject identification codes
select uscc from registration where substr(uscc, 9, 9) = any($1)
