-- name: known_messages
-- The first records under these message ids of an office.
select message_id, receipt_id, content_digest
from message
where office = $1              -- the office of the batch
  and message_id = any($2)     -- the batch's message ids

-- name: registrations
-- The present state of these codes, with the particulars that are in force.
select r.uscc, r.registered, r.holding, r.last_version, r.version, r.status, r.office, r.receipt_id,
       r.recorded_at, r.particulars_version, r.particulars_recorded_at, r.particulars_whole,
       r.particulars_major, r.particulars_at, r.particulars_id,
       r.status_version, r.status_major, r.status_at, r.status_id,
       r.assign_major, r.assign_at, r.assign_id, r.predecessor_uscc,
       r.valid_from, v.occurred_at as particulars_since, v.office as particulars_office, v.receipt_id as particulars_receipt, v.name_key, v.record::text as record
from registration r
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
where r.uscc = any($1)         -- the batch's codes

-- name: peculiarities
-- What few codes have: a transfer, a place in the exceptions register, a rejected claim.
select 'home' as what, uscc, office from code_transfer where uscc = any($1)
union all
select 'nonconforming', uscc, null from nonconforming_code where uscc = any($1)
union all
select 'rejected', uscc, office from rejected_claim where uscc = any($1)

-- name: tombstones
-- The withdrawals that left these codes without a holder.
select w.uscc, w.holding, w.key_major, w.occurred_at, w.message_id, w.reason, w.successor_uscc, w.receipt_id, w.recorded_at
from withdrawn_code w
join registration r on r.uscc = w.uscc and r.holding = w.holding and not r.registered
where w.uscc = any($1)

-- name: open_cases
-- The open cases in which these codes stand, oldest first.
select distinct c.case_id, c.rule, c.uscc, c.conflict_key, c.opened_at, c.due_on, c.offices, c.suggested_operation, c.reason, c.status
from code_case c
join case_member m using (case_id)
where m.uscc = any($1) and m.ended_at is null and c.status <> 'resolved'
order by c.opened_at, c.case_id

-- name: codes_of_cases
-- The codes that stand in these open cases.
select distinct m.uscc
from case_member m
join code_case c using (case_id)
where m.case_id = any($1) and m.ended_at is null and c.status <> 'resolved'

-- name: open_conflicts
-- The open cases of these conflicts that cross codes.
select c.case_id, m.uscc
from code_case c
join case_member m using (case_id)
where c.status <> 'resolved' and m.ended_at is null and c.conflict_key = any($1)

-- name: same_subject
-- Every code ever held that has one of these subject identification codes.
select substr(uscc, 9, 9) as subject, uscc from registration where substr(uscc, 9, 9) = any($1)

-- name: same_name
-- For each name key of the batch the holders that matter most: same number first, then same place, then any.
select b.name_key, h.uscc
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
     as b (uscc, name_key, registration_number, legal_representative_name, registered_address)
cross join lateral (
    select h.uscc
    from holder h
    join registration r on r.uscc = h.uscc and r.registered and r.status <> 'cancelled'
    where h.name_key = b.name_key and h.uscc <> b.uscc
    order by (h.registration_number is not distinct from b.registration_number and b.registration_number is not null) desc,
             (h.legal_representative_name is not distinct from b.legal_representative_name
              and h.registered_address is not distinct from b.registered_address) desc,
             h.uscc
    limit 4
) h

-- name: same_number
-- Which code has each of these legacy numbers.
select n.kind, n.number, n.uscc
from unnest($1::text[], $2::text[]) as b (kind, number)
join legacy_number n using (kind, number)

-- name: allowed_conflicts
-- Conflicts of these codes that were allowed.
select rule, uscc, other_uscc from standing_allowance where uscc = any($1) or other_uscc = any($1)

-- name: open_members
-- The members of these cases.
select case_id, receipt_id, role, office, uscc, name, name_key, operation, key_major, occurred_at, message_id,
       received_at, joined_at
from case_member
where case_id = any($1) and ended_at is null
order by place

-- name: held_records
-- What is needed to decide these held records again: where they lie, their bytes, how often they were decided.
select d.receipt_id, d.office, d.topic, d.partition, d."offset", d.received_at, w.mapping, w.ce_id, w.ce_time,
       w.batch_id, w.body,
       (select max(a.attempt) from disposition a where a.receipt_id = d.receipt_id) as attempt
from disposition d
join raw_message w on w.receipt_id = d.receipt_id and w.received_at = d.received_at
where d.receipt_id = any($1) and d.attempt = 1

-- name: histories
-- Every applied record of the present holdings of these codes: versions, and marks of unchanged ones.
select v.uscc, v.operation, v.key_major, v.occurred_at, v.message_id, v.name_key, v.version, v.office, v.receipt_id,
       v.recorded_at, null::text as marked_by, null::timestamptz as confirms_since, v.record::text as record
from registration_version v
join registration r on r.uscc = v.uscc and r.holding = v.holding
where v.uscc = any($1)
union all
select m.uscc, m.operation, m.key_major, m.occurred_at, m.message_id, m.name_key, m.confirms_version, v.office,
       v.receipt_id, v.recorded_at, m.receipt_id, v.occurred_at, v.record::text
from registration_mark m
join registration r on r.uscc = m.uscc and r.holding = m.holding
join registration_version v on v.uscc = m.uscc and v.version = m.confirms_version
where m.uscc = any($1)
