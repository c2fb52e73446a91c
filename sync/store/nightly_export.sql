-- name: register
-- The codes that an office is at home with, as they stand: every registered one, cancelled and revoked ones too.
-- The session's settings say for whom: uscc.office, and uscc.first_characters separated by commas.
select r.uscc, r.status, r.receipt_id, v.record::text as record
from registration r
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
left join code_transfer t on t.uscc = r.uscc
where r.registered
  and case when t.office is not null then t.office = current_setting('uscc.office')
           else left(r.uscc, 1) = any (string_to_array(current_setting('uscc.first_characters'), ',')) end
