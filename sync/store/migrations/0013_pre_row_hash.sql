-- What an office's register is compared by, as one number of each code, written with its present state (sync/row_hash.py).

-- The number of a record: 63 bits of the MD5 of its comparable values, joined by the unit separator. Null where a
-- value holds that separator. `record - array[…]` leaves members out.
create function row_hash(record jsonb) returns bigint language plpgsql immutable parallel safe as $$
declare
    canonical text := array_to_string(array[
        record ->> 'approved_on', record ->> 'business_scope', record ->> 'contact_name', record ->> 'contact_phone',
        record ->> 'currency', record ->> 'economic_type_code', record ->> 'employee_count', record ->> 'established_on',
        record ->> 'industry_code', record ->> 'investor_names', nullif(record ->> 'is_public', '1'),
        record ->> 'last_updated_on', record ->> 'legal_representative_id_number',
        record ->> 'legal_representative_id_type', record ->> 'legal_representative_name', record ->> 'name',
        record ->> 'operating_address', record ->> 'operating_division_code', record ->> 'organization_code',
        record ->> 'registered_address', record ->> 'registered_capital', record ->> 'registered_division_code',
        record ->> 'registrar_code', record ->> 'registrar_name', record ->> 'registration_number',
        nullif(record ->> 'standing', 'normal'), record ->> 'supervising_unit', record ->> 'supervising_unit_code',
        record ->> 'valid_from', record ->> 'valid_to'], chr(31), '');
    hex text := md5(canonical);
begin
    if length(canonical) - length(replace(canonical, chr(31), '')) <> 29 then
        return null;
    end if;
    return (('x' || substr(hex, 15, 2) || substr(hex, 13, 2) || substr(hex, 11, 2) || substr(hex, 9, 2)
                 || substr(hex, 7, 2) || substr(hex, 5, 2) || substr(hex, 3, 2) || substr(hex, 1, 2)
            )::bit(64) >> 1)::bigint;
end $$;

-- Null: not known yet, or not to be had; such a code is compared member by member.
alter table registration add column row_hash bigint;

-- What a migration leaves to be done bit by bit: `place` is how far it came, no row: nothing is left.
create table backlog (
    name  text primary key,
    place text not null default ''
);
insert into backlog (name) select 'row_hash' where exists (select from registration);

-- The nightly run fills what stood here before.
grant select, update, delete on backlog to uscc_job;
grant update (row_hash) on registration to uscc_job;
grant execute on function row_hash(jsonb) to uscc_job;
