-- name: clock
-- The instant that this transaction records under; never earlier than what was recorded before.
select greatest(clock_timestamp(), coalesce(max(last_decided_at), '-infinity'::timestamptz)) as now
from partition_progress

-- name: begin_partition
-- Make the row of a partition that was never read.
insert into partition_progress (topic, partition, office, next_offset)
values ($1, $2, $3, $4)
on conflict (topic, partition) do nothing

-- name: progress_of
-- Where these partitions stand.
select topic, partition, next_offset, halted_reason, last_sha256, last_offset
from partition_progress
where topic = any($1)

-- name: fence
-- Where this partition stands, for the transaction that moves it.
select next_offset, halted_reason, decided_before
from partition_progress
where topic = $1 and partition = $2
for update

-- name: known_receipts
-- Which records of a batch the ledger has already.
-- $1 receipts, $2 and $3 the first and the last instant at which they were received
select receipt_id from raw_message where receipt_id = any($1) and received_at between $2 and $3

-- name: move_partition
-- Move a partition behind its decided records.
update partition_progress
set next_offset = $3, decided_records = decided_records + $4, last_received_at = $5, last_decided_at = $6,
    last_sha256 = $7, last_offset = $8
where topic = $1 and partition = $2

-- name: halt_partition
-- Write down why a partition cannot go on.
update partition_progress set halted_at = clock_timestamp(), halted_reason = $3 where topic = $1 and partition = $2

-- name: draw
-- Draw $2 numbers of a dense sequence; returns the last one drawn.
insert into sequence_counter as counter (name, value) values ($1, $2)
on conflict (name) do update set value = counter.value + excluded.value
returning value

-- name: stage_tables
-- Where the present state of a batch lies before it is merged; of this session, empty outside transactions.
create temporary table if not exists staged_registration (like registration) on commit delete rows;
create temporary table if not exists staged_holder (like holder) on commit delete rows

-- name: clear_stage
-- Empty the staging tables.
with registrations as (delete from staged_registration) delete from staged_holder

-- name: merge_registrations
-- Write the present state of the codes that a batch touched.
insert into registration as r select * from staged_registration
on conflict (uscc) do update set
    registered = excluded.registered, holding = excluded.holding, last_version = excluded.last_version,
    version = excluded.version, status = excluded.status, office = excluded.office, receipt_id = excluded.receipt_id,
    valid_from = excluded.valid_from, recorded_at = excluded.recorded_at,
    particulars_version = excluded.particulars_version, particulars_recorded_at = excluded.particulars_recorded_at,
    particulars_whole = excluded.particulars_whole, particulars_major = excluded.particulars_major,
    particulars_at = excluded.particulars_at, particulars_id = excluded.particulars_id,
    status_version = excluded.status_version, status_major = excluded.status_major, status_at = excluded.status_at,
    status_id = excluded.status_id, assign_major = excluded.assign_major, assign_at = excluded.assign_at,
    assign_id = excluded.assign_id, is_public = excluded.is_public, open_case = excluded.open_case,
    predecessor_uscc = excluded.predecessor_uscc, row_hash = excluded.row_hash

-- name: merge_holders
-- Write the identities that differ; the others are left alone, with all their indexes.
insert into holder as h select * from staged_holder
on conflict (uscc) do update set
    name = excluded.name, name_key = excluded.name_key, subject_code = excluded.subject_code,
    registration_number = excluded.registration_number, established_on = excluded.established_on,
    division_code = excluded.division_code, legal_representative_name = excluded.legal_representative_name,
    registered_address = excluded.registered_address
where (h.name, h.name_key, h.registration_number, h.established_on, h.legal_representative_name, h.registered_address)
    is distinct from (excluded.name, excluded.name_key, excluded.registration_number, excluded.established_on,
                      excluded.legal_representative_name, excluded.registered_address)

-- name: remove_holders
-- Nobody holds these codes now.
delete from holder where uscc = any($1)

-- name: note_vacant
-- A late record or a case of codes that nobody holds.
update registration r set last_version = t.last_version, open_case = t.open_case
from unnest($1::text[], $2::integer[], $3::text[]) as t (uscc, last_version, open_case)
where r.uscc = t.uscc

-- name: keep_numbers
-- Remember which code brought a legacy number first.
insert into legacy_number (kind, number, uscc, source, recorded_at)
select n.kind, n.number, n.uscc, n.source, $5
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n (kind, number, uscc, source)
on conflict (kind, number) do nothing

-- name: reject_claims
-- The office's last record of these codes was rejected (rule L02).
insert into rejected_claim (office, uscc, receipt_id)
select * from unnest($1::text[], $2::text[], $3::text[])
on conflict (office, uscc) do update set receipt_id = excluded.receipt_id

-- name: clear_claims
-- It no longer was.
delete from rejected_claim r
using unnest($1::text[], $2::text[]) as t (office, uscc)
where r.office = t.office and r.uscc = t.uscc

-- name: change_case
-- What became of a case.
update code_case
set offices = $2, resolved_at = $3,
    status = case when $3::timestamptz is not null then 'resolved' when $4 then 'awaiting_approval' else 'open' end
where case_id = $1

-- name: allow_conflict
-- Two codes may stand beside each other.
insert into allowed_conflict (rule, uscc, other_uscc, case_id, evidence, allowed_by, allowed_at)
select $1, $2, $3, $4, $5, $6, $7
where not exists (select from standing_allowance a where a.rule = $1 and (a.uscc, a.other_uscc) in (($2, $3), ($3, $2)))

-- name: enter_register
-- A code that fails a check is issued and in use.
insert into nonconforming_code (uscc, evidence, source, entered_at, entered_by, case_id)
values ($1, $2, 'case', $3, $4, $5)
on conflict do nothing

-- name: transfer_code
-- Another office is the code's home now.
insert into code_transfer (uscc, office, case_id, transferred_at) values ($1, $2, $3, $4)
on conflict (uscc) do update set office = excluded.office, case_id = excluded.case_id, transferred_at = excluded.transferred_at

-- name: write_resolution
-- What was done or proposed about a case.
insert into case_resolution (resolution_id, case_id, operation, member_receipt, member_uscc, new_uscc, successor_uscc,
                             reason, via, message_receipt, proposed_by, proposed_at, approved_by, approved_at,
                             approval_reason, status)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
on conflict (resolution_id) do update set
    approved_by = excluded.approved_by, approved_at = excluded.approved_at,
    approval_reason = excluded.approval_reason, status = excluded.status

-- name: awaiting_resolution
-- The resolution of a case that waits for another person.
select * from case_resolution where case_id = $1 and status = 'awaiting_approval'

-- name: lapse_resolution
-- What waited for an approval when its case was settled otherwise.
update case_resolution set status = 'refused' where case_id = $1 and status = 'awaiting_approval'

-- name: join_members
-- Who came into cases, in the order in which they came; a record that left a case and was held again comes last.
insert into case_member (case_id, receipt_id, role, office, uscc, name, name_key, operation, key_major, occurred_at,
                         message_id, received_at, joined_at)
select *
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
            $10::timestamptz[], $11::text[], $12::timestamptz[], $13::timestamptz[])
on conflict (case_id, receipt_id, role) do update set
    name = excluded.name, name_key = excluded.name_key, joined_at = excluded.joined_at, ended_at = null, place = default

-- name: end_member
-- A held record has left its case, or a holder its.
update case_member set ended_at = $4 where case_id = $1 and receipt_id = $2 and role = $3

-- name: end_members
-- A resolved case has no members that wait.
update case_member set ended_at = $2 where case_id = $1 and ended_at is null

-- name: ensure_month
-- Make the monthly partitions of an instant.
select ensure_month($1)
