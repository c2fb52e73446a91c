-- name: measure
-- The figures of an office's day, by division and, under '', for the whole office.
-- $1 date, $2 office, $3 begins, $4 ends, $5 categories, $6 fields that the profile of each asks for, $7 those of the
-- other categories, $8 days from approval beyond which a record that T01 passed can only be stock
insert into quality (date, office, division, received, accepted, unchanged, superseded, rejected, held, quarantined,
                     fields_required, fields_missing, timed, late, days_p50, days_p90, days_p99, unqualified, wrong_codes,
                     stock, stock_converted, cases_open, cases_overdue)
with day as (
    select d.disposition, d.rules, d.uscc, d.version, d.decided_at, d.received_at, d.operation in ('assign', 'change') as whole,
           case when length(d.uscc) = 18 then substr(d.uscc, 3, 6) else 'unknown' end as division,
           coalesce(p.fields, $7::integer) as required,
           case when 'Q01' = any(d.rules)
                then (select count(*) from jsonb_array_elements(d.return_text::jsonb -> 'findings') f
                      where f ->> 'rule' = 'Q01')
                else 0 end as missing,
           d.disposition in ('rejected', 'held')
               and exists (select from jsonb_array_elements(d.return_text::jsonb -> 'findings') f
                           where f ->> 'severity' in ('error', 'hold') and (f ->> 'class')::integer <= 3) as wrong_code
    from disposition d
    left join unnest($5::text[], $6::integer[]) as p (category, fields) on p.category = substr(d.uscc, 2, 1)
    where d.office = $2 and d.attempt = 1 and d.received_at >= $3 and d.received_at < $4
), timed as (
    select day.*,
           ((day.received_at at time zone 'Asia/Shanghai')::date - (v.record ->> 'approved_on')::date) as days
    from day
    left join registration_version v
      on day.disposition in ('accepted', 'superseded') and day.whole and v.uscc = day.uscc and v.version = day.version
     and v.recorded_at = day.decided_at
     and v.record ->> 'approved_on' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
     and ('T01' = any(day.rules)
          or (day.received_at at time zone 'Asia/Shanghai')::date - (v.record ->> 'approved_on')::date <= $8::integer)
), measured as (
    select coalesce(division, '') as division, count(*) as received,
           count(*) filter (where disposition = 'accepted') as accepted,
           count(*) filter (where disposition = 'unchanged') as unchanged,
           count(*) filter (where disposition = 'superseded') as superseded,
           count(*) filter (where disposition = 'rejected') as rejected,
           count(*) filter (where disposition = 'held') as held,
           count(*) filter (where disposition = 'quarantined') as quarantined,
           coalesce(sum(required) filter (where whole), 0) as fields_required,
           coalesce(sum(missing) filter (where whole), 0) as fields_missing,
           count(days) as timed,
           count(days) filter (where 'T01' = any(rules)) as late,
           percentile_disc(0.5) within group (order by days) as days_p50,
           percentile_disc(0.9) within group (order by days) as days_p90,
           percentile_disc(0.99) within group (order by days) as days_p99,
           count(*) filter (where disposition in ('rejected', 'held', 'quarantined')) as unqualified,
           count(*) filter (where wrong_code) as wrong_codes
    from timed
    group by grouping sets ((division), ())
), stock as (
    select coalesce(s.division_code, '') as division, count(*) as stock,
           count(*) filter (where exists (
               select from registration r where r.uscc = s.uscc and r.registered
               union all
               select from legacy_number n join registration r using (uscc)
               where n.kind = s.kind and n.number = s.number and r.registered)) as converted
    from legacy_stock s
    where s.office = $2
    group by grouping sets ((s.division_code), ())
), cases as (
    select coalesce(substr(c.uscc, 3, 6), '') as division, count(*) as open, count(*) filter (where c.due_on < $1) as overdue
    from code_case c
    where $2 = any(c.offices) and c.opened_at < $4 and (c.resolved_at is null or c.resolved_at >= $4)
    group by grouping sets ((substr(c.uscc, 3, 6)), ())
)
select $1, $2, division, coalesce(m.received, 0), coalesce(m.accepted, 0), coalesce(m.unchanged, 0),
       coalesce(m.superseded, 0), coalesce(m.rejected, 0), coalesce(m.held, 0), coalesce(m.quarantined, 0),
       coalesce(m.fields_required, 0), coalesce(m.fields_missing, 0), coalesce(m.timed, 0), coalesce(m.late, 0),
       m.days_p50, m.days_p90, m.days_p99, coalesce(m.unqualified, 0), coalesce(m.wrong_codes, 0),
       coalesce(s.stock, 0), coalesce(s.converted, 0), coalesce(c.open, 0), coalesce(c.overdue, 0)
from measured m
full join stock s using (division)
full join cases c using (division)
on conflict do nothing

-- name: figures
-- Stored figures, newest first.
-- $1 office or null, $2 division or null ('': the whole office), $3 from, $4 to, $5 behind this place or null
-- (date, office, division), $8 at most
select *
from quality
where ($1::text is null or office = $1) and ($2::text is null or division = $2) and date between $3 and $4
  and ($5::date is null or date < $5 or (date = $5 and (office, division) > ($6::text, $7::text)))
order by date desc, office, division
limit $8
