-- name: insert_audit
-- One line of the audit, in the transaction of what it records.
-- $1 actor, $2 action, $3 subject or null, $4 purpose or null, $5 request id or null, $6 detail
insert into audit (actor, action, subject, purpose, request_id, detail) values ($1, $2, $3, $4, $5, $6::jsonb);
