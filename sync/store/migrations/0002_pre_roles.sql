-- Who may do what. The owner is whoever migrates; nobody else owns anything, and nobody at all rewrites history.
-- Roles belong to the cluster, not to a database, so they may be there already; where the login may not create roles,
-- deploy/postgres/roles.sql makes them first.

create extension if not exists pg_trgm;

do $$
declare
    name text;
begin
    foreach name in array array['uscc_ingest', 'uscc_relay', 'uscc_api', 'uscc_console', 'uscc_job'] loop
        if not exists (select from pg_roles where rolname = name) then
            begin
                execute format('create role %I nologin', name);
            exception when duplicate_object or unique_violation then
                null;   -- Another database of this cluster migrates at the same time.
            end;
        end if;
        if not pg_has_role(current_user, name, 'set') then
            execute format('grant %I to current_user', name);
        end if;
    end loop;
    -- The console may do what the api may.
    if not pg_has_role('uscc_console', 'uscc_api', 'usage') then
        grant uscc_api to uscc_console;
    end if;
end $$;

revoke create on schema public from public;
revoke execute on function ensure_month(timestamptz) from public;
grant usage on schema public to uscc_ingest, uscc_relay, uscc_api, uscc_console, uscc_job;

-- ingest: the only writer of the ledger. It appends history and keeps the present state.
grant select on all tables in schema public to uscc_ingest;
revoke all on client, client_key, schema_migration from uscc_ingest;
grant insert on disposition, raw_message, registration_version, registration_mark, change, message, withdrawn_code,
    nonconforming_code, audit to uscc_ingest;
grant insert, update on partition_progress, sequence_counter, registration, code_case, case_member, code_transfer
    to uscc_ingest;
grant insert, update, delete on holder to uscc_ingest;
grant insert, update, delete on rejected_claim to uscc_ingest;
grant execute on function ensure_month(timestamptz) to uscc_ingest;

-- relay: reads what is to be published and notes how far it came.
grant select on disposition, change, sequence_counter, relay_progress to uscc_relay;
grant insert, update on relay_progress to uscc_relay;

-- api: reads the registry and notes who asked and who has read what.
grant select on registration, registration_version, registration_mark, holder, withdrawn_code, nonconforming_code,
    code_transfer, disposition, raw_message, change, message, code_case, case_member, sequence_counter,
    partition_progress, relay_progress, acknowledgement, client, client_key, ruleset, rejected_claim to uscc_api;
grant insert, update on acknowledgement to uscc_api;
grant insert on audit to uscc_api;

-- console: what the api may (see above), and the audit.
grant select on audit to uscc_console;

-- job: the nightly run reads everything but keys.
grant select on all tables in schema public to uscc_job;
revoke all on client_key, schema_migration from uscc_job;
grant execute on function ensure_month(timestamptz) to uscc_job;
