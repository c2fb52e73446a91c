-- Callers by way of the national data exchange platform: they sign with a secret that both sides know.

create table exchange_caller (
    rid        text        not null,     -- who asks (gjgxjhpt_rid)
    sid        text        not null,     -- for which of our services (gjgxjhpt_sid)
    client     text        not null references client,
    secret     text        not null,     -- a signature cannot be checked against a hash
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
create unique index exchange_caller_valid on exchange_caller (rid, sid) where revoked_at is null;

grant select on exchange_caller to uscc_api;
revoke all on exchange_caller from uscc_job, uscc_console;
