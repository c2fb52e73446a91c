-- The batch that a record's header names stands beside its bytes, so that it is the same when the record is decided again.

alter table raw_message add column batch_id text;
alter table submission add column batch_id text;
