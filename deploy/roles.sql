-- Two users of PostgreSQL: registry_owner owns the tables and runs `manage.py migrate`; registry_serving is the one in
-- DATABASE_URL of gunicorn, the worker and the timers. It reads and writes rows; it can neither change nor remove what is
-- recorded, empty a table, switch a trigger off, nor change any table.
--
-- Once, as the administrator of the database:
--     psql -f deploy/roles.sql postgres                                    (makes the two users)
--     psql -c "ALTER ROLE registry_owner PASSWORD '...'" -c "ALTER ROLE registry_serving PASSWORD '...'" postgres
--     createdb -O registry_owner registry
-- and after every `manage.py migrate`, as the administrator or as registry_owner:
--     psql -f deploy/roles.sql registry
-- A new table is closed to registry_serving until then.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry_owner') THEN
        CREATE ROLE registry_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registry_serving') THEN
        CREATE ROLE registry_serving LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END $$;

DO $$
DECLARE
    place text;
BEGIN
    IF to_regclass('registry_auditentry') IS NULL THEN
        RETURN;  -- before the first migrate there is nothing to give
    END IF;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM registry_serving', current_database());
    -- temporary tables are what counts are put together in
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO registry_serving', current_database());
    REVOKE CREATE ON SCHEMA public FROM PUBLIC, registry_serving;
    GRANT USAGE ON SCHEMA public TO registry_serving;

    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, registry_serving;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO registry_serving;
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, registry_serving;
    -- SELECT is what a backup (pg_dump) asks for
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO registry_serving;

    -- the record is added to and read, never changed
    FOREACH place IN ARRAY ARRAY[
        'registry_auditentry', 'registry_auditseal', 'registry_sealedentry', 'registry_auditproof'
    ] LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %I FROM registry_serving', place);
    END LOOP;
    -- which migrations were run is for the owner to write
    REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM registry_serving;
END $$;
