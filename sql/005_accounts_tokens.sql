-- What an account may act on, tokens for scripts, and the changes of accounts
-- as rows of the log.
--
-- Order of locks: account, token, session, epoch, then the chain of the host.

SET LOCAL ROLE procmgr_owner;


-- the actor of a token is "token:" and its name, which nobody else has
ALTER TABLE procmgr.account ADD CONSTRAINT account_no_token
    CHECK (name NOT LIKE 'token:%') NOT VALID;

-- the services that an account may act on; none named: all its role may
CREATE TABLE procmgr.account_allow (
    account    bigint NOT NULL REFERENCES procmgr.account,
    service    text NOT NULL
               CHECK (service ~ '^[A-Za-z0-9@._:][A-Za-z0-9@._:-]{0,127}$'),
    PRIMARY KEY (account, service)
);

-- names are never used again: a row of the log says who it was
CREATE TABLE procmgr.token (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name       text NOT NULL UNIQUE
               CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$'),
    account    bigint NOT NULL REFERENCES procmgr.account,
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    token      bytea NOT NULL UNIQUE CHECK (octet_length(token) = 32),
    created    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires    timestamptz,
    used       timestamptz,
    revoked    timestamptz
);

CREATE INDEX token_account ON procmgr.token (account) WHERE revoked IS NULL;


CREATE FUNCTION procmgr.role_rank(p_role text) RETURNS int
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_position(ARRAY['viewer', 'operator', 'admin'], p_role)
$$;


CREATE FUNCTION procmgr.account_json(p_account bigint) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object(
        'name', a.name,
        'role', a.role,
        'disabled', a.disabled,
        'created', procmgr.rfc3339(a.created),
        'sessions', (SELECT count(*) FROM procmgr.session s
                     WHERE s.account = a.id AND s.ended IS NULL
                       AND s.expires > clock_timestamp()
                       AND s.seen + s.idle > clock_timestamp()),
        'tokens', (SELECT count(*) FROM procmgr.token t
                   WHERE t.account = a.id AND t.revoked IS NULL
                     AND (t.expires IS NULL
                          OR t.expires > clock_timestamp())),
        'services', (SELECT coalesce(json_agg(w.service ORDER BY w.service),
                                     '[]')
                     FROM procmgr.account_allow w WHERE w.account = a.id))
    FROM procmgr.account a WHERE a.id = p_account
$$;


CREATE OR REPLACE FUNCTION procmgr.account_list() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(procmgr.account_json(a.id) ORDER BY a.name),
                    '[]')::text
    FROM procmgr.account a WHERE a.deleted IS NULL
$$;


CREATE FUNCTION procmgr.account_get(p_name text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT procmgr.account_json(a.id)::text
    FROM procmgr.account a WHERE a.name = p_name AND a.deleted IS NULL
$$;


-- who did it, from where: the last four of every function that changes

CREATE FUNCTION procmgr.account_new(p_name text, p_account_role text,
    p_hash text, p_services jsonb, p_actor text, p_role text, p_remote text,
    p_host text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    INSERT INTO procmgr.account (name, role, hash)
        VALUES (p_name, p_account_role, p_hash)
        ON CONFLICT (name) WHERE deleted IS NULL DO NOTHING
        RETURNING id INTO who;

    IF who IS NULL THEN
        RETURN json_build_object('status', 'exists');
    END IF;

    INSERT INTO procmgr.account_allow
        SELECT DISTINCT who, s FROM jsonb_array_elements_text(
            coalesce(p_services, '[]')) AS l (s);

    PERFORM procmgr.log_add(p_host, 'account_added', p_name, p_actor, p_role,
        p_remote, jsonb_build_object('role', p_account_role,
                                     'services', coalesce(p_services, '[]')),
        'success', NULL, NULL);

    RETURN json_build_object('status', 'ok',
                             'account', procmgr.account_json(who));
END
$$;


-- p_changes: any of role, disabled, services, hash.  p_guard: somebody must
-- be left who can administer accounts.

CREATE FUNCTION procmgr.account_change(p_name text, p_changes jsonb,
    p_guard boolean, p_actor text, p_role text, p_remote text, p_host text)
    RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a        procmgr.account;
    to_role  text := p_changes->>'role';
    to_dis   boolean := (p_changes->>'disabled')::boolean;
BEGIN
    -- one after the other: two admins do not remove each other at once
    IF p_guard THEN
        LOCK TABLE procmgr.account IN SHARE ROW EXCLUSIVE MODE;
    END IF;

    SELECT * INTO a FROM procmgr.account
        WHERE name = p_name AND deleted IS NULL FOR UPDATE;

    IF NOT FOUND THEN
        RETURN json_build_object('status', 'missing');
    END IF;

    to_role := coalesce(to_role, a.role);
    to_dis := coalesce(to_dis, a.disabled);

    IF p_guard AND a.role = 'admin' AND NOT a.disabled
       AND (to_role <> 'admin' OR to_dis)
       AND NOT EXISTS (SELECT FROM procmgr.account
                       WHERE id <> a.id AND role = 'admin' AND NOT disabled
                         AND deleted IS NULL)
    THEN
        RETURN json_build_object('status', 'last_admin');
    END IF;

    UPDATE procmgr.account SET role = to_role, disabled = to_dis
        WHERE id = a.id;

    IF to_dis THEN
        UPDATE procmgr.session SET ended = clock_timestamp(), why = 'disabled'
            WHERE account = a.id AND ended IS NULL;
    END IF;

    IF p_changes ? 'services' THEN
        DELETE FROM procmgr.account_allow WHERE account = a.id;
        INSERT INTO procmgr.account_allow
            SELECT DISTINCT a.id, s
            FROM jsonb_array_elements_text(p_changes->'services') AS l (s);
    END IF;

    PERFORM procmgr.epoch_grow();

    IF p_changes ?| ARRAY['role', 'disabled', 'services'] THEN
        PERFORM procmgr.log_add(p_host, 'account_changed', a.name, p_actor,
            p_role, p_remote, p_changes - 'hash', 'success', NULL,
            jsonb_build_object(
                'before', jsonb_build_object('role', a.role,
                                             'disabled', a.disabled),
                'after', jsonb_build_object('role', to_role,
                                            'disabled', to_dis)));
    END IF;

    IF p_changes ? 'hash' THEN
        PERFORM procmgr.password_set(a.id, p_changes->>'hash', NULL, p_actor,
                                     p_remote, p_host);
    END IF;

    RETURN json_build_object('status', 'ok',
                             'account', procmgr.account_json(a.id));
END
$$;


CREATE FUNCTION procmgr.account_delete(p_name text, p_guard boolean,
    p_actor text, p_role text, p_remote text, p_host text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a procmgr.account;
    t timestamptz := clock_timestamp();
BEGIN
    IF p_guard THEN
        LOCK TABLE procmgr.account IN SHARE ROW EXCLUSIVE MODE;
    END IF;

    SELECT * INTO a FROM procmgr.account
        WHERE name = p_name AND deleted IS NULL FOR UPDATE;

    IF NOT FOUND THEN
        RETURN json_build_object('status', 'missing');
    END IF;

    IF p_guard AND a.role = 'admin' AND NOT a.disabled
       AND NOT EXISTS (SELECT FROM procmgr.account
                       WHERE id <> a.id AND role = 'admin' AND NOT disabled
                         AND deleted IS NULL)
    THEN
        RETURN json_build_object('status', 'last_admin');
    END IF;

    UPDATE procmgr.account SET deleted = t WHERE id = a.id;
    UPDATE procmgr.token SET revoked = t
        WHERE account = a.id AND revoked IS NULL;
    UPDATE procmgr.session SET ended = t, why = 'deleted'
        WHERE account = a.id AND ended IS NULL;

    PERFORM procmgr.epoch_grow();
    PERFORM procmgr.log_add(p_host, 'account_deleted', a.name, p_actor,
        p_role, p_remote, NULL, 'success', NULL, NULL);

    RETURN json_build_object('status', 'ok');
END
$$;


-- An account made by procmgrctl is a row of the log too.

CREATE OR REPLACE FUNCTION procmgr.account_add(p_name text, p_role text,
    p_hash text, p_update boolean, p_host text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF procmgr.account_new(p_name, p_role, p_hash, NULL, 'procmgrctl', NULL,
                           NULL, p_host)::json->>'status' = 'ok'
    THEN
        RETURN 'created';
    END IF;

    IF NOT p_update THEN
        RETURN 'exists';
    END IF;

    PERFORM procmgr.account_change(p_name,
        jsonb_build_object('role', p_role, 'hash', p_hash), false,
        'procmgrctl', NULL, NULL, p_host);

    RETURN 'updated';
END
$$;


-- Tokens.  The token itself is never here: its SHA-256 is.

CREATE FUNCTION procmgr.token_add(p_name text, p_account text, p_role text,
    p_token text, p_days int, p_actor text, p_host text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a procmgr.account;
    k procmgr.token;
BEGIN
    SELECT * INTO a FROM procmgr.account
        WHERE name = p_account AND deleted IS NULL FOR SHARE;

    IF NOT FOUND THEN
        RETURN json_build_object('status', 'missing');
    END IF;

    IF procmgr.role_rank(p_role) > procmgr.role_rank(a.role) THEN
        RETURN json_build_object('status', 'role_too_high', 'role', a.role);
    END IF;

    INSERT INTO procmgr.token (name, account, role, token, expires)
        VALUES (p_name, a.id, coalesce(p_role, a.role), decode(p_token, 'hex'),
                clock_timestamp() + make_interval(days => p_days))
        ON CONFLICT (name) DO NOTHING
        RETURNING * INTO k;

    IF k.id IS NULL THEN
        RETURN json_build_object('status', 'exists');
    END IF;

    PERFORM procmgr.log_add(p_host, 'token_added', p_name, p_actor, NULL,
        NULL, jsonb_build_object('account', a.name, 'role', k.role,
                                 'expires', procmgr.rfc3339(k.expires)),
        'success', NULL, NULL);

    RETURN json_build_object('status', 'ok', 'role', k.role);
END
$$;


CREATE FUNCTION procmgr.token_list() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(json_build_object(
        'name', t.name,
        'account', a.name,
        'role', t.role,
        'created', procmgr.rfc3339(t.created),
        'expires', procmgr.rfc3339(t.expires),
        'last_used', procmgr.rfc3339(t.used),
        'state', CASE WHEN t.revoked IS NOT NULL THEN 'revoked'
                      WHEN t.expires <= clock_timestamp() THEN 'expired'
                      WHEN a.disabled THEN 'disabled'
                      ELSE 'good' END) ORDER BY t.name), '[]')::text
    FROM procmgr.token t JOIN procmgr.account a ON a.id = t.account
$$;


CREATE FUNCTION procmgr.token_revoke(p_name text, p_actor text, p_host text)
    RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    k procmgr.token;
BEGIN
    UPDATE procmgr.token SET revoked = clock_timestamp()
        WHERE name = p_name AND revoked IS NULL RETURNING * INTO k;

    IF NOT FOUND THEN
        RETURN json_build_object('status',
            CASE WHEN EXISTS (SELECT FROM procmgr.token WHERE name = p_name)
                 THEN 'already' ELSE 'missing' END);
    END IF;

    PERFORM procmgr.epoch_grow();
    PERFORM procmgr.log_add(p_host, 'token_revoked', p_name, p_actor, NULL,
        NULL, NULL, 'success', NULL, NULL);

    RETURN json_build_object('status', 'ok');
END
$$;


-- A token that counts, in the shape of a session.  It never has a fresh
-- authentication, and never more than the role its account has now.

CREATE FUNCTION procmgr.token_get(p_token text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object(
        'id', t.id,
        'account', a.id,
        'user', 'token:' || t.name,
        'role', CASE WHEN procmgr.role_rank(t.role) < procmgr.role_rank(a.role)
                     THEN t.role ELSE a.role END,
        'csrf', 'bearer',
        'expires_ms', procmgr.ms(coalesce(t.expires, clock_timestamp()
                                          + interval '1 day')),
        'idle_until_ms', procmgr.ms(clock_timestamp() + interval '1 day'),
        'auth_at_ms', 0,
        'epoch', (SELECT n FROM procmgr.session_epoch))::text
    FROM procmgr.token t
    JOIN procmgr.account a ON a.id = t.account
    WHERE t.token = decode(p_token, 'hex') AND t.revoked IS NULL
      AND (t.expires IS NULL OR t.expires > clock_timestamp())
      AND NOT a.disabled AND a.deleted IS NULL
$$;


CREATE FUNCTION procmgr.token_touch(p_token text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE procmgr.token
        SET used = greatest(used, clock_timestamp())
        WHERE token = decode(p_token, 'hex') AND revoked IS NULL;

    RETURN procmgr.token_get(p_token);
END
$$;


-- the end of a session by procmgrctl

CREATE FUNCTION procmgr.session_stop(p_id uuid, p_actor text, p_host text)
    RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s procmgr.session;
BEGIN
    UPDATE procmgr.session SET ended = clock_timestamp(), why = 'logout'
        WHERE id = p_id AND ended IS NULL RETURNING * INTO s;

    IF FOUND THEN
        PERFORM procmgr.epoch_grow();
        PERFORM procmgr.log_add(p_host, 'logout',
            (SELECT name FROM procmgr.account WHERE id = s.account), p_actor,
            NULL, NULL, jsonb_build_object('session', s.id), 'success', NULL,
            NULL);
    END IF;

    RETURN json_build_object('ended', s.id IS NOT NULL);
END
$$;


-- May this actor, an account or a token of one, act on that service?

CREATE FUNCTION procmgr.actor_allowed(p_actor text, p_type text,
    p_target text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH who AS (
        SELECT a.id FROM procmgr.account a
        WHERE a.name = p_actor AND a.deleted IS NULL
        UNION ALL
        SELECT t.account FROM procmgr.token t
        WHERE p_actor LIKE 'token:%' AND t.name = substr(p_actor, 7)
    )
    SELECT NOT EXISTS (SELECT FROM procmgr.account_allow w
                       JOIN who ON who.id = w.account)
        OR (p_type LIKE 'service\_%'
            AND EXISTS (SELECT FROM procmgr.account_allow w
                        JOIN who ON who.id = w.account
                        WHERE w.service = p_target))
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.account_list(),
    procmgr.account_get(text),
    procmgr.account_new(text, text, text, jsonb, text, text, text, text),
    procmgr.account_change(text, jsonb, boolean, text, text, text, text),
    procmgr.account_delete(text, boolean, text, text, text, text),
    procmgr.token_get(text),
    procmgr.token_touch(text)
    TO procmgr_web;
