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
-- The conflicts that were allowed, in order.
select rule, uscc, other_uscc, case_id, evidence, allowed_by, allowed_at
from allowed_conflict
order by allowed_at, rule, uscc, other_uscc

-- name: allow
-- Two codes may stand beside each other; returns nothing where that is known.
-- $1 rule, $2 code, $3 the other, $4 evidence, $5 who, $6 now
insert into allowed_conflict (rule, uscc, other_uscc, evidence, allowed_by, allowed_at)
select $1, $2, $3, $4, $5, $6
where not exists (select from allowed_conflict a where a.rule = $1 and (a.uscc, a.other_uscc) in (($2, $3), ($3, $2)))
returning uscc
