-- What a register's row is looked up by: the number with the status mixed in, by its first letter, where uscc.with_status is 1.
create or replace view at_home as
select r.uscc, r.status, r.receipt_id, r.row_hash, r.particulars_version, r.particulars_recorded_at,
       r.row_hash # (ascii(r.status) * (select current_setting('uscc.with_status')::int)) as number
from registration r
left join code_transfer t on t.uscc = r.uscc
where r.registered
  and case when t.office is not null then t.office = (select current_setting('uscc.office'))
           else ascii(r.uscc) = any ((select array_agg(ascii(each))
                                     from unnest(string_to_array(current_setting('uscc.first_characters'), ',')) each)::int[]) end;
