-- name: partitions
-- Every partition and where it stands.
select topic, partition, office, next_offset, decided_records
from partition_progress
order by topic, partition

-- name: stray_dispositions
-- Dispositions of a topic or partition of which no progress is kept.
select d.topic, d.partition, count(*) as records
from disposition d
where not exists (select from partition_progress p where p.topic = d.topic and p.partition = d.partition)
group by d.topic, d.partition

-- name: first_dispositions
-- The first dispositions of a partition, with the digest of the bytes that were stored.
-- $1 topic, $2 partition, $3 when its present log was accepted.
select d."offset", d.receipt_id, d.received_at, d.content_sha256, sha256(r.body) as stored_sha256
from disposition d
left join raw_message r using (receipt_id, received_at)
where d.topic = $1 and d.partition = $2 and d.attempt = 1 and d.decided_at > $3
order by d."offset"

-- name: former_dispositions
-- The first dispositions of a partition's former logs, the latest of each offset: the present log may hold some still.
-- $1 topic, $2 partition, $3 when its present log was accepted.
select distinct on (d."offset")
       d."offset", d.receipt_id, d.received_at, d.content_sha256, sha256(r.body) as stored_sha256
from disposition d
left join raw_message r using (receipt_id, received_at)
where d.topic = $1 and d.partition = $2 and d.attempt = 1 and d.decided_at <= $3
order by d."offset", d.decided_at desc

-- name: dispositions_behind
-- How many dispositions of a partition lie where it has not been.
-- $1 topic, $2 partition, $3 next offset, $4 when its present log was accepted.
select count(*) from disposition where topic = $1 and partition = $2 and "offset" >= $3 and decided_at > $4

-- name: log_accepted
-- When an operator accepted the log of a halted partition as it is, the last time; 1970 where nobody ever did.
-- $1 topic and partition, joined by '/'.
select coalesce(max(at), 'epoch') from audit where action = 'partition_restarted' and subject = $1

-- name: decided_from_former_logs
-- How many records of a partition were decided before its present log was accepted.
-- $1 topic, $2 partition, $3 that instant.
select count(*) from disposition where topic = $1 and partition = $2 and attempt = 1 and decided_at <= $3

-- name: balance
-- By office, business day and batch: the records whose bytes are stored, against the six dispositions.
select d.office, (d.received_at at time zone 'Asia/Shanghai')::date as day, d.batch_id,
       count(r.receipt_id) as received,
       count(*) filter (where d.disposition in
           ('accepted', 'unchanged', 'superseded', 'rejected', 'held', 'quarantined')) as decided
from disposition d
left join raw_message r using (receipt_id, received_at)
where d.attempt = 1
group by d.office, day, d.batch_id
order by d.office, day, d.batch_id

-- name: stored_records
-- How many records are stored in all.
select count(*) from raw_message

-- name: decided_by_partition
-- What each partition counts as decided, against its first dispositions.
select coalesce(p.topic, d.topic) as topic, coalesce(p.partition, d.partition) as partition,
       coalesce(p.decided_records, 0) as counted, coalesce(d.records, 0) as found
from partition_progress p
full join (select topic, partition, count(*) as records from disposition where attempt = 1 group by topic, partition) d
  on d.topic = p.topic and d.partition = p.partition
where coalesce(p.decided_records, 0) <> coalesce(d.records, 0)

-- name: effects
-- Decisions that ought to have made a version, with the versions that they made.
select d.receipt_id, d.attempt, d.operation, d.disposition, d.version, d.case_id,
       count(v.version) as versions, min(v.version) as made, bool_or(v.superseded) as superseded, min(v.uscc) as uscc
from disposition d
left join registration_version v on v.receipt_id = d.receipt_id
where d.disposition in ('accepted', 'superseded')
group by d.receipt_id, d.attempt, d.operation, d.disposition, d.version, d.case_id

-- name: stray_versions
-- Versions whose record is not there, or was neither accepted nor superseded; a resolution that was carried out may make
-- them too, of the codes that it speaks of: it takes one back, or assigns one.
select v.uscc, v.version, v.receipt_id
from registration_version v
where not exists (
    select from disposition d where d.receipt_id = v.receipt_id and d.disposition in ('accepted', 'superseded'))
  and not exists (
    select from case_resolution c
    where c.resolution_id = v.receipt_id and c.status = 'done'
      and (v.operation = 'withdraw' and v.uscc = c.member_uscc or v.operation = 'assign' and v.uscc = c.new_uscc))

-- name: version_gaps
-- Codes whose versions are not 1..n, or of which the registry counts another number.
select coalesce(v.uscc, r.uscc) as uscc, v.versions, v.lowest, v.highest, r.last_version
from (select uscc, count(*) as versions, min(version) as lowest, max(version) as highest
      from registration_version group by uscc) v
full join registration r using (uscc)
where v.lowest is distinct from 1 or v.highest is distinct from v.versions or r.last_version is distinct from v.highest

-- name: versions_counted
-- How many versions there are.
select count(*) from registration_version

-- name: sequences
-- How far each office's returns and the changes are counted, and how many rows there are.
select c.name, c.value from sequence_counter c order by c.name

-- name: unnumbered_offices
-- Offices that have returns but no counter.
select distinct office from disposition
where not exists (select from sequence_counter c where c.name = 'returns:' || office)

-- name: published
-- How far a topic is published. $1 topic.
select sequence from relay_progress where topic = $1

-- name: returns
-- Every return of an office in sequence. $1 office.
select sequence, receipt_id, attempt, message_id, disposition, encode(content_sha256, 'hex') as sha256, return_text
from disposition
where office = $1
order by sequence

-- name: returns_at
-- The returns of an office at these numbers. $1 office, $2 sequences.
select sequence, coalesce(message_id, receipt_id) as key, return_text
from disposition
where office = $1 and sequence = any($2::bigint[])

-- name: attempts
-- Receipts whose attempts are not 1..n, each once.
select receipt_id, count(*) as returns, min(attempt) as lowest, max(attempt) as highest
from disposition
group by receipt_id
having min(attempt) <> 1 or max(attempt) <> count(*)

-- name: registrations
-- The present state of every code, with the identity that is searched and whether a tombstone stands on its holding.
select r.uscc, r.registered, r.holding, r.status, r.is_public, r.version, r.receipt_id, r.recorded_at, r.office,
       r.particulars_version, r.particulars_recorded_at, r.particulars_whole, r.particulars_major, r.particulars_at, r.particulars_id,
       r.status_major, r.status_at, r.status_id, r.assign_major, r.assign_at, r.assign_id,
       h.name_key as holder_name_key, h.uscc is not null as held,
       exists (select from withdrawn_code w where w.uscc = r.uscc and w.holding = r.holding) as withdrawn
from registration r
left join holder h using (uscc)
order by r.uscc collate "C"

-- name: versions
-- Every version, by code.
select uscc, version, holding, operation, key_major, occurred_at, message_id, name_key, record::text as record,
       receipt_id, recorded_at, office
from registration_version
order by uscc collate "C", version

-- name: marks
-- Every record that was applied and changed nothing, by code.
select uscc, holding, operation, key_major, occurred_at, message_id, confirms_version
from registration_mark
order by uscc collate "C"

-- name: registrations_counted
-- How many codes there are.
select count(*) from registration

-- name: stray_holders
-- Identities of codes that the registry does not say somebody holds.
select h.uscc from holder h left join registration r using (uscc) where r.registered is not true

-- name: subjects_twice
-- Subject codes under several codes. A code of which only a cancellation, revocation or restore came has shown a name and
-- no more: D03 is judged once its first particulars come, and holds those.
select h.subject_code, array_agg(h.uscc order by h.uscc) as codes
from holder h
join registration r using (uscc)
where r.particulars_whole
group by h.subject_code
having count(*) > 1

-- name: numbers_twice
-- Registration numbers under several codes.
select registration_number, array_agg(uscc order by uscc) as codes
from holder
where registration_number is not null
group by registration_number
having count(*) > 1

-- name: settled_codes
-- Those of these codes whose present holding has a record that a resolution applied: somebody answered for it in a case.
-- $1 codes
select distinct r.uscc
from registration r
join registration_version v on v.uscc = r.uscc and v.holding = r.holding
where r.uscc = any($1)
  and exists (select from disposition d where d.receipt_id = v.receipt_id and d.attempt > 1)

-- name: allowed_conflicts_known
-- Whether allowed conflicts are kept here.
select to_regclass('allowed_conflict') is not null

-- name: allowed_conflicts
-- Codes that may stand beside each other.
select uscc, other_uscc from allowed_conflict

-- name: holders_counted
-- How many codes are held.
select count(*) from holder

-- name: judged_counted
-- How many records can be judged again under a ruleset. $1 ruleset.
select count(*) from disposition where attempt = 1 and disposition <> 'quarantined' and ruleset = $1

-- name: judged_otherwise
-- How many records were judged under another ruleset, or came under a mapping. $1 ruleset.
select count(*) filter (where d.ruleset <> $1) as other_ruleset,
       count(*) filter (where d.ruleset = $1 and r.mapping is not null) as mapped
from disposition d
left join raw_message r using (receipt_id, received_at)
where d.attempt = 1 and d.disposition <> 'quarantined' and (d.ruleset <> $1 or r.mapping is not null)

-- name: judged
-- Records with what was found on them; every $2-th by the hash of its receipt. $1 ruleset.
select d.receipt_id, d.office, d.received_at, d.return_text, r.body
from disposition d
join raw_message r using (receipt_id, received_at)
where d.attempt = 1 and d.disposition <> 'quarantined' and d.ruleset = $1 and r.mapping is null
  and abs(hashtext(d.receipt_id)::bigint) % $2 = 0

-- name: change_gaps
-- Where the feed has a gap: the sequence behind which it lies.
select sequence, following
from (select sequence, lead(sequence) over (order by sequence) as following from change) each
where following <> sequence + 1

-- name: change_bounds
-- How many changes there are, and from where to where.
select count(*) as changes, coalesce(min(sequence), 1) as lowest, coalesce(max(sequence), 0) as highest from change

-- name: changes_dropped
-- Up to which change, and recorded before when, the feed was dropped because of its age.
select coalesce(max((detail ->> 'through')::bigint), 0) as through,
       coalesce(max((detail ->> 'recorded_before')::timestamptz), '-infinity') as recorded_before
from audit
where action = 'changes_dropped'

-- name: changes_without_version
-- Changes of versions that are not there, and other than one change of a version that is no superseded one.
select c.sequence, c.uscc, c.version
from change c
where not exists (select from registration_version v where v.uscc = c.uscc and v.version = c.version)

-- name: versions_without_change
-- Versions that were not superseded and are missing in the feed. $1 of those recorded from here on.
select v.uscc, v.version
from registration_version v
where not v.superseded and v.recorded_at >= $1 and not exists (select from change c where c.uscc = v.uscc and c.version = v.version)

-- name: as_ingest
-- Act as the role that writes the ledger, until the transaction ends.
set local role uscc_ingest

-- name: rewrite_disposition
update disposition set ruleset = ruleset where (tableoid, ctid) in (select tableoid, ctid from disposition limit 1)

-- name: delete_disposition
delete from disposition where (tableoid, ctid) in (select tableoid, ctid from disposition limit 1)

-- name: rewrite_raw_message
update raw_message set body = body where (tableoid, ctid) in (select tableoid, ctid from raw_message limit 1)

-- name: delete_raw_message
delete from raw_message where (tableoid, ctid) in (select tableoid, ctid from raw_message limit 1)

-- name: rewrite_registration_version
update registration_version set record = record
where (tableoid, ctid) in (select tableoid, ctid from registration_version limit 1)

-- name: delete_registration_version
delete from registration_version where (tableoid, ctid) in (select tableoid, ctid from registration_version limit 1)

-- name: rewrite_registration_mark
update registration_mark set name_key = name_key where ctid in (select ctid from registration_mark limit 1)

-- name: delete_registration_mark
delete from registration_mark where ctid in (select ctid from registration_mark limit 1)

-- name: rewrite_change
update change set body = body where (tableoid, ctid) in (select tableoid, ctid from change limit 1)

-- name: delete_change
delete from change where (tableoid, ctid) in (select tableoid, ctid from change limit 1)

-- name: rewrite_message
update message set receipt_id = receipt_id where ctid in (select ctid from message limit 1)

-- name: delete_message
delete from message where ctid in (select ctid from message limit 1)

-- name: rewrite_withdrawn_code
update withdrawn_code set reason = reason where ctid in (select ctid from withdrawn_code limit 1)

-- name: delete_withdrawn_code
delete from withdrawn_code where ctid in (select ctid from withdrawn_code limit 1)

-- name: rewrite_audit
update audit set action = action where ctid in (select ctid from audit limit 1)

-- name: delete_audit
delete from audit where ctid in (select ctid from audit limit 1)
