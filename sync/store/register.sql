-- name: register
-- The exceptions register, in the order in which it was written.
select uscc, evidence, source, issued_on, entered_at, entered_by, case_id
from nonconforming_code
order by entered_at, uscc

-- name: enter
-- Enter codes that are issued and in use; returns those that were not in the register.
-- $1 codes, $2 evidence, $3 sources, $4 dates of issue, $5 now, $6 who
insert into nonconforming_code (uscc, evidence, source, issued_on, entered_at, entered_by)
select n.uscc, n.evidence, n.source, n.issued_on, $5, $6
from unnest($1::text[], $2::text[], $3::text[], $4::date[]) as n (uscc, evidence, source, issued_on)
on conflict (uscc) do nothing
returning uscc

-- name: allowed
-- The conflicts that were allowed, in order, with those that ended.
select a.rule, a.uscc, a.other_uscc, a.case_id, a.evidence, a.allowed_by, a.allowed_at, e.ended_at, e.ended_by, e.reason as end_reason
from allowed_conflict a
left join allowed_conflict_end e using (allowance_id)
order by a.allowance_id

-- name: allow
-- Two codes may stand beside each other; returns nothing where that is known.
-- $1 rule, $2 code, $3 the other, $4 evidence, $5 who, $6 now
insert into allowed_conflict (rule, uscc, other_uscc, evidence, allowed_by, allowed_at)
select $1, $2, $3, $4, $5, $6
where not exists (select from standing_allowance a where a.rule = $1 and (a.uscc, a.other_uscc) in (($2, $3), ($3, $2)))
returning uscc

-- name: end
-- Two codes may no longer stand beside each other: what comes from now on is held again.
-- $1 rule, $2 code, $3 the other, $4 now, $5 who, $6 why
insert into allowed_conflict_end (allowance_id, ended_at, ended_by, reason)
select a.allowance_id, $4, $5, $6
from standing_allowance a
where a.rule = $1 and (a.uscc, a.other_uscc) in (($2, $3), ($3, $2))
returning allowance_id
