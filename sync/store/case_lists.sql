-- name: list_cases
-- Cases, oldest first, behind a place in the list.
-- $1 the office concerned or null, $2 status or null, $3 rule or null, $4 true for overdue ones only, false for the others, null for both,
-- $5 opened_at of the place or null, $6 case of the place or null, $7 at most
select case_id, rule, uscc, status, opened_at, due_on, offices, suggested_operation, reason, resolved_at
from code_case
where ($1::text is null or $1 = any(offices))
  and ($2::text is null or status = $2)
  and ($3::text is null or rule = $3)
  and ($4::boolean is null
       or (status <> 'resolved' and (due_on + 1)::timestamp at time zone 'Asia/Shanghai' <= now()) = $4)
  and ($5::timestamptz is null or (opened_at, case_id) > ($5, $6))
order by opened_at, case_id
limit $7;

-- name: find_case
-- One case.
-- $1 case, $2 the office concerned or null
select case_id, rule, uscc, status, opened_at, due_on, offices, suggested_operation, reason, resolved_at
from code_case
where case_id = $1 and ($2::text is null or $2 = any(offices));

-- name: members
-- The members of these cases, in the order in which they joined.
-- $1 cases
select case_id, receipt_id, office, uscc, name, role, joined_at, ended_at
from case_member
where case_id = any($1) and role <> 'proposed'
order by joined_at, received_at, receipt_id, role;

-- name: resolutions
-- What was done or proposed about these cases, in order.
-- $1 cases
select case_id, resolution_id, operation, member_receipt, new_uscc, successor_uscc, reason, via, status,
       proposed_by, proposed_at, approved_by, approved_at, approval_reason
from case_resolution
where case_id = any($1)
order by proposed_at, resolution_id;
