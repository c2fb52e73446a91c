-- Search by name: pairs of characters for two, trigrams for three and more, both over the name key.

-- Every two characters that stand beside each other, in their order; a pair that comes twice is there twice. A plain
-- loop: a query for it costs four times as much, at every name that is written. The cost tells the planner what computing
-- it anew for a row would cost, so that it looks into the index.
create function name_bigrams(name text) returns text[] language plpgsql immutable strict parallel safe cost 5000 as $$
declare
    pairs text[] := '{}';
begin
    for place in 1 .. length(name) - 1 loop
        pairs := pairs || substr(name, place, 2);
    end loop;
    return pairs;
end $$;

create index holder_bigrams on holder using gin (name_bigrams(name_key));
create index holder_trigrams on holder using gin (name_key gin_trgm_ops);
-- An order that has nothing to do with names, places or times: whoever walks along it until enough rows match meets
-- matches evenly. It begins with the check character of the subject code.
create index holder_scattered on holder (reverse(subject_code), uscc);
-- Those who are not for everybody are few; a name search leaves them out without looking at anybody else.
create index registration_hidden on registration (uscc) where not is_public;
create index holder_division on holder (division_code, uscc);

-- How common a piece of a name is decides the plan of a search, so it is estimated by more than the usual sample.
alter table holder alter column name_key set statistics 1000;
alter index holder_bigrams alter column 1 set statistics 1000;

-- How large a part of all names holds each of the pairs that are common, as last analyzed. Statistics are the owner's.
create function common_bigrams() returns table (bigram text, frequency real) language sql stable security definer
    set search_path = pg_catalog as $$
select unnest(most_common_elems::text::text[]), unnest(most_common_elem_freqs[1:array_length(most_common_elems::text::text[], 1)])
from pg_stats
where schemaname = 'public' and tablename = 'holder_bigrams'
$$;

revoke execute on function common_bigrams() from public;
grant execute on function common_bigrams() to uscc_api;
grant execute on function name_bigrams(text) to uscc_ingest, uscc_api, uscc_job;
