-- Roles and logins of a production database; run once, as a superuser, connected to the registry's database:
--
--     createdb --encoding UTF8 --locale C.UTF-8 --template template0 uscc
--     psql --dbname uscc --file deploy/postgres/roles.sql
--     psql --dbname uscc --command '\password uscc_owner' --command '\password uscc_app'
--
-- Then `uscc migrate` runs with the login uscc_owner and every other role of the program with uscc_app:
--
--     USCC_DATABASE_DSN=postgresql://uscc_owner@db.example/uscc uscc migrate
--     USCC_DATABASE_DSN=postgresql://uscc_app@db.example/uscc   uscc serve
--
-- The owner owns everything and serves nobody. uscc_app owns nothing and has no right of its own: each process takes
-- the one role that it needs. No role may update or delete history, and a trigger refuses it to the owner too.
-- `uscc clients` and `uscc partitions` change what only the owner may change, so they run with the owner's login.

set client_min_messages = warning;

do $$
declare
    name text;
begin
    foreach name in array array['uscc_ingest', 'uscc_relay', 'uscc_api', 'uscc_console', 'uscc_job'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
    end loop;
    if not exists (select from pg_roles where rolname = 'uscc_owner') then
        create role uscc_owner login;
    end if;
    if not exists (select from pg_roles where rolname = 'uscc_app') then
        create role uscc_app login noinherit;
    end if;
end $$;

grant uscc_api to uscc_console;
grant uscc_ingest, uscc_relay, uscc_api, uscc_console, uscc_job to uscc_app;
grant uscc_ingest, uscc_relay, uscc_api, uscc_console, uscc_job to uscc_owner;

-- The owner makes the schema and the extension pg_trgm; public makes nothing.
do $$
begin
    execute format('grant create, connect, temporary on database %I to uscc_owner', current_database());
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect, temporary on database %I to uscc_app', current_database());
    execute format('grant temporary on database %I to uscc_ingest, uscc_job', current_database());
end $$;
alter schema public owner to uscc_owner;
