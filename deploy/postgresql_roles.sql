-- A role of its own for the running service: it writes the ledger and can neither change nor remove what stands there.
--
-- Run it as the role that owns the tables (the one that runs `manage.py migrate`), after every migration:
--
--     psql -v ON_ERROR_STOP=1 -v service=governance_service -f deploy/postgresql_roles.sql "$OWNER_DATABASE_URL"
--
-- then give the role a password (\password governance_service) and name it in the DATABASE_URL of web and workers.
-- The owner's credentials stay with whoever migrates. Repeating the script changes nothing that holds already.

SELECT set_config('governance.service', :'service', false);

DO $$
DECLARE
    service name := current_setting('governance.service');
    guarded regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service) THEN
        EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', service);
    END IF;

    -- No table of its own: whoever owns one could change its triggers.
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    EXECUTE format('REVOKE ALL ON SCHEMA public FROM %I', service);
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', service);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), service);

    -- The daily work. Never TRUNCATE, TRIGGER or REFERENCES.
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', service);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', service);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO %I', service);

    -- Append-only: every table that carries the trigger, so that no list here can fall behind.
    FOR guarded IN
        SELECT t.tgrelid::regclass FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE t.tgname = 'append_only' AND c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM %I', guarded, service);
    END LOOP;

    -- Which migrations ran is read by /readyz and written by the owner.
    IF to_regclass('public.django_migrations') IS NOT NULL THEN
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM %I', service);
    END IF;

    -- A table that a later migration makes starts without the right to change it, until this script runs again.
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO %I', service);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO %I', service);
END
$$;
