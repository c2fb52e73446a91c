-- A log that is read anew may still hold records that were decided from it before: a broker that lost its tail kept the
-- rest. Up to here a batch is looked through for receipts that the ledger has, which are left as they are.

alter table partition_progress add column decided_before bigint;
