-- name: insert_client
-- A client by a name of its own; no row when the name is taken.
-- $1 name, $2 office or null, $3 scopes, $4 person, $5 expires_at or null, $6 requests a minute or null, $7 organizations a day or null
insert into client (name, office, scopes, person, expires_at, requests_per_minute, organizations_per_day)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (name) do nothing
returning name;

-- name: lock_client
-- The client that is neither revoked nor unknown, kept from others for this transaction.
-- $1 name
select name from client where name = $1 and revoked_at is null for update;

-- name: insert_key
-- One more key, stored as its hash.
-- $1 sha256, $2 client, $3 expires_at or null
insert into client_key (key_sha256, client, expires_at) values ($1, $2, $3);

-- name: retire_keys
-- Let the youngest valid key of a client run out at an instant and end the older ones now, so that two stay valid.
-- $1 client, $2 the instant
update client_key k
set expires_at = case when k.key_sha256 = youngest.key_sha256 then least(coalesce(k.expires_at, $2), $2) else k.expires_at end,
    revoked_at = case when k.key_sha256 = youngest.key_sha256 then null else now() end
from (select key_sha256 from client_key
      where client = $1 and revoked_at is null and (expires_at is null or expires_at > now())
      order by created_at desc limit 1) youngest
where k.client = $1 and k.revoked_at is null;

-- name: revoke_client
-- End a client; its keys go with it.
-- $1 name
update client set revoked_at = now() where name = $1 and revoked_at is null returning name;

-- name: revoke_keys
-- End every key of a client.
-- $1 client
update client_key set revoked_at = now() where client = $1 and revoked_at is null;

-- name: list_clients
-- Every client with the number of its valid keys, by name.
select c.name, c.office, c.scopes, c.person, c.created_at, c.expires_at, c.revoked_at, c.requests_per_minute, c.organizations_per_day,
       (select count(*) from client_key k
        where k.client = c.name and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())) as keys
from client c
order by c.name;

-- name: client_of_key
-- The client to which a valid key belongs.
-- $1 sha256 of the key
select c.name, c.office, c.scopes, c.person, c.requests_per_minute, c.organizations_per_day,
       least(c.expires_at, k.expires_at) as expires_at
from client_key k
join client c on c.name = k.client
where k.key_sha256 = $1
  and k.revoked_at is null and c.revoked_at is null
  and (k.expires_at is null or k.expires_at > now())
  and (c.expires_at is null or c.expires_at > now());

-- name: organizations_seen
-- The codes that a client was shown on a day.
-- $1 client, $2 day
select uscc from client_use where client = $1 and day = $2;

-- name: record_organizations
-- Remember codes that a client was shown on a day.
-- $1 client, $2 day, $3 codes
insert into client_use (client, day, uscc) select $1, $2, unnest($3::text[]) on conflict do nothing;

-- name: forget_organizations
-- Drop what was kept for earlier days.
-- $1 client, $2 day
delete from client_use where client = $1 and day < $2;

-- name: is_client
-- Whether a client of this name exists or existed.
-- $1 its name
select exists (select from client where name = $1);

-- name: end_exchange_caller
-- End what a requester may call a service by.
-- $1 rid, $2 sid
update exchange_caller set revoked_at = now() where rid = $1 and sid = $2 and revoked_at is null;

-- name: insert_exchange_caller
-- Let a requester call a service as a client.
-- $1 rid, $2 sid, $3 client, $4 secret
insert into exchange_caller (rid, sid, client, secret) values ($1, $2, $3, $4);

-- name: exchange_caller
-- The secret of a requester for a service, and the client that it stands for.
-- $1 rid, $2 sid
select e.secret, c.name, c.office, c.scopes, c.person, c.requests_per_minute, c.organizations_per_day, c.expires_at
from exchange_caller e
join client c on c.name = e.client
where e.rid = $1 and e.sid = $2 and e.revoked_at is null
  and c.revoked_at is null and (c.expires_at is null or c.expires_at > now());
