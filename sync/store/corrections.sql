-- name: named_members
-- The members of open cases that stand under a code: the holder of each case first, then in order of arrival.
-- $1 the code, $2 the office that sent the member's record or null
select m.case_id, m.receipt_id, m.role, m.office, m.name_key, c.rule, c.suggested_operation
from case_member m
join code_case c using (case_id)
where m.uscc = $1 and m.ended_at is null and c.status <> 'resolved' and m.role <> 'proposed'
  and ($2::text is null or m.office = $2)
order by c.opened_at, c.case_id, m.role <> 'holder', m.place

-- name: holder_name
-- Under which name a code is held, with the office of its last record.
select h.name_key, r.office from holder h join registration r using (uscc) where h.uscc = $1

-- name: to_correct
-- What an office has to correct: a line for each organization in an open case, with those that it is in conflict with.
-- $1 the office
select m.case_id, c.rule, c.suggested_operation, c.due_on, m.uscc, min(m.name) as name, m.role,
       (array_agg(m.receipt_id order by m.place))[1] as receipt_id,
       coalesce((select array_agg(distinct o.name || ' ' || o.uscc) from case_member o
                 where o.case_id = m.case_id and o.ended_at is null and o.role <> 'proposed'
                   and (o.name_key, o.uscc) <> (m.name_key, m.uscc)), '{}') as others
from case_member m
join code_case c using (case_id)
where m.office = $1 and m.ended_at is null and m.role <> 'proposed' and c.status <> 'resolved'
group by m.case_id, c.rule, c.suggested_operation, c.due_on, c.opened_at, m.uscc, m.name_key, m.role
order by c.opened_at, m.case_id, m.role <> 'holder', min(m.place)
