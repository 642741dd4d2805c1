-- Roles, schema and the rights that hold for all that comes later.
--
-- procmgr_owner  owns everything, nobody logs in as it
-- procmgr_web    the module: may call functions and nothing else
-- procmgr_audit  reads and verifies the operation log

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'the database must be encoded in UTF8';
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'procmgr_owner') THEN
        CREATE ROLE procmgr_owner NOLOGIN;
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'procmgr_web') THEN
        CREATE ROLE procmgr_web LOGIN CONNECTION LIMIT 100;
        ALTER ROLE procmgr_web SET statement_timeout = '3s';
        ALTER ROLE procmgr_web SET lock_timeout = '1s';
        ALTER ROLE procmgr_web SET client_min_messages = warning;
        ALTER ROLE procmgr_web SET idle_in_transaction_session_timeout = '5s';
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'procmgr_audit') THEN
        CREATE ROLE procmgr_audit LOGIN CONNECTION LIMIT 10;
        ALTER ROLE procmgr_audit SET statement_timeout = '60s';
        ALTER ROLE procmgr_audit SET default_transaction_read_only = on;
    END IF;

    -- the web role makes no temporary objects, nobody else comes in
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC',
                   current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO procmgr_web, '
                   'procmgr_audit', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

ALTER SCHEMA procmgr OWNER TO procmgr_owner;
REVOKE ALL ON SCHEMA procmgr FROM PUBLIC;
GRANT USAGE ON SCHEMA procmgr TO procmgr_web, procmgr_audit;

-- a function is for nobody until it is granted
ALTER DEFAULT PRIVILEGES FOR ROLE procmgr_owner
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- made by procmgrctl, which keeps it
ALTER TABLE procmgr.schema_version OWNER TO procmgr_owner;
GRANT SELECT ON procmgr.schema_version TO procmgr_audit;

SET LOCAL ROLE procmgr_owner;

CREATE FUNCTION procmgr.schema_level() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT max(version)::text FROM procmgr.schema_version
$$;

GRANT EXECUTE ON FUNCTION procmgr.schema_level() TO procmgr_web, procmgr_audit;
