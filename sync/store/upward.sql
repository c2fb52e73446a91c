-- name: freeze
-- See one moment of the registry until the transaction ends.
set transaction isolation level repeatable read

-- name: bounds
-- Up to which change was reported, and the last change there is.
select coalesce((select max(to_sequence) from upward_report), 0) as reported,
       coalesce((select value from sequence_counter where name = 'changes'), 0) as tip

-- name: scope_table
-- Where the codes to report lie while a report is written.
create temporary table report_scope (
    sequence bigint primary key, uscc text not null, version integer not null, kind text not null, recorded_at timestamptz not null
) on commit drop

-- name: fill_scope
-- The last change of every code in a range of the feed.
-- $1 behind this sequence, $2 up to this one
insert into report_scope (sequence, uscc, version, kind, recorded_at)
select distinct on (uscc) sequence, uscc, version, kind, recorded_at
from change
where sequence > $1 and sequence <= $2
order by uscc, sequence desc

-- name: lines
-- The codes to report as they stand, in order of their last change.
-- $1 behind this sequence, $2 at most, $3 whether personal values and hidden organizations are shown
select s.sequence, s.uscc, s.version, s.kind, s.recorded_at, r.office, r.registered, r.is_public or $3 as is_shown,
       case when r.registered then r.status else 'withdrawn' end as status, w.successor_uscc, w.reason,
       case when $3 then v.record else mask_personal(v.record) end::text as record
from report_scope s
join registration r using (uscc)
join registration_version v
  on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
left join withdrawn_code w on w.uscc = s.uscc and w.holding = r.holding and not r.registered
where s.sequence > $1
order by s.sequence
limit $2

-- name: keep_report
-- What went up.
insert into upward_report (report_id, from_sequence, to_sequence, codes, file_name, file_sha256, made_at, made_by)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: reports
-- The reports that were made, newest first.
select report_id, from_sequence, to_sequence, codes, file_name, made_at, made_by, receipt_at, accepted, refused
from upward_report
order by to_sequence desc

-- name: report
-- One report, kept until the transaction ends.
select report_id, codes, receipt_sha256 from upward_report where report_id = $1 for update

-- name: refusals
-- What the national centre refused of a report.
select uscc, reason from upward_refusal where report_id = $1 order by uscc

-- name: keep_refusals
-- What the national centre refused.
insert into upward_refusal (report_id, uscc, reason)
select $1, r.uscc, r.reason from unnest($2::text[], $3::text[]) as r (uscc, reason)
on conflict do nothing

-- name: keep_receipt
-- What the national centre answered.
update upward_report set receipt_sha256 = $2, receipt_at = $3, accepted = $4, refused = $5 where report_id = $1
