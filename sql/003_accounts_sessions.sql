-- Accounts and sessions.  Passwords come as yescrypt hashes, tokens as their
-- SHA-256; what could be replayed is never here.
--
-- Order of locks: account, session, epoch, then the chain of the host.

SET LOCAL ROLE procmgr_owner;


CREATE TABLE procmgr.account (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL
               CHECK (octet_length(name) BETWEEN 1 AND 64
                      AND name !~ '[[:cntrl:][:space:]]'),
    role       text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    hash       text NOT NULL CHECK (hash ~ '^\$[!-~]+$'
                                    AND octet_length(hash) <= 512),
    disabled   boolean NOT NULL DEFAULT false,
    created    timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted    timestamptz
);

CREATE UNIQUE INDEX account_name ON procmgr.account (name)
    WHERE deleted IS NULL;

CREATE TABLE procmgr.session (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token      bytea NOT NULL UNIQUE CHECK (octet_length(token) = 32),
    account    bigint NOT NULL REFERENCES procmgr.account,
    csrf       text NOT NULL CHECK (octet_length(csrf) BETWEEN 16 AND 64),
    created    timestamptz NOT NULL,
    auth_at    timestamptz NOT NULL,
    seen       timestamptz NOT NULL,
    idle       interval NOT NULL,
    expires    timestamptz NOT NULL,
    remote     text CHECK (octet_length(remote) <= 255),
    agent      text,
    host       text NOT NULL,
    ended      timestamptz,
    why        text
);

CREATE INDEX session_account ON procmgr.session (account, created)
    WHERE ended IS NULL;

-- grows in the transaction that ends a session or narrows an account: who
-- read this number before asking for a session knows how old his answer is
CREATE TABLE procmgr.session_epoch (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    n          bigint NOT NULL
);

INSERT INTO procmgr.session_epoch (n) VALUES (1);

-- attempts behind one row of the log
CREATE TABLE procmgr.login_failed_count (
    host       text NOT NULL,
    remote     text NOT NULL,
    bucket     timestamptz NOT NULL,
    n          bigint NOT NULL,
    seq        bigint NOT NULL,
    PRIMARY KEY (bucket, host, remote)
);


CREATE FUNCTION procmgr.ms(t timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT floor(extract(epoch FROM t) * 1000)::bigint
$$;


CREATE FUNCTION procmgr.epoch_grow() RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE procmgr.session_epoch SET n = n + 1
$$;


CREATE FUNCTION procmgr.session_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT n::text FROM procmgr.session_epoch
$$;


CREATE FUNCTION procmgr.account_auth(p_name text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object('id', id, 'name', name, 'role', role,
                             'hash', hash, 'disabled', disabled)::text
    FROM procmgr.account WHERE name = p_name AND deleted IS NULL
$$;


-- A session that counts, as the module keeps it.  The epoch comes from the
-- same snapshot as the session: it may be too old, never too new.

CREATE FUNCTION procmgr.session_json(p_token bytea, p_idle int) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object(
        'id', s.id,
        'account', a.id,
        'user', a.name,
        'role', a.role,
        'csrf', s.csrf,
        'expires_ms', procmgr.ms(s.expires),
        'idle_until_ms', procmgr.ms(s.seen + i.idle),
        'auth_at_ms', procmgr.ms(s.auth_at),
        'epoch', (SELECT n FROM procmgr.session_epoch))::text
    FROM procmgr.session s
    JOIN procmgr.account a ON a.id = s.account
    CROSS JOIN LATERAL (
        SELECT coalesce(make_interval(secs => p_idle), s.idle) AS idle) i
    WHERE s.token = p_token AND s.ended IS NULL
      AND s.expires > clock_timestamp()
      AND s.seen + i.idle > clock_timestamp()
      AND NOT a.disabled AND a.deleted IS NULL
$$;


CREATE FUNCTION procmgr.session_get(p_token text, p_idle int) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT procmgr.session_json(decode(p_token, 'hex'), p_idle)
$$;


CREATE FUNCTION procmgr.session_touch(p_token text, p_idle int) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key bytea := decode(p_token, 'hex');
BEGIN
    IF procmgr.session_json(key, p_idle) IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procmgr.session
        SET seen = greatest(seen, clock_timestamp())
        WHERE token = key AND ended IS NULL;

    RETURN procmgr.session_json(key, p_idle);
END
$$;


-- the password was given again

CREATE FUNCTION procmgr.session_reauth(p_token text, p_idle int) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key bytea := decode(p_token, 'hex');
BEGIN
    IF procmgr.session_json(key, p_idle) IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procmgr.session
        SET seen = greatest(seen, clock_timestamp()),
            auth_at = clock_timestamp()
        WHERE token = key AND ended IS NULL;

    RETURN procmgr.session_json(key, p_idle);
END
$$;


-- at most five live sessions of an account: the oldest end

CREATE FUNCTION procmgr.session_create(p_account bigint, p_token text,
    p_csrf text, p_idle int, p_absolute int, p_remote text, p_agent text,
    p_host text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a    procmgr.account;
    t    timestamptz := clock_timestamp();
    key  bytea := decode(p_token, 'hex');
BEGIN
    SELECT * INTO a FROM procmgr.account
        WHERE id = p_account AND NOT disabled AND deleted IS NULL
        FOR UPDATE;

    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    DELETE FROM procmgr.session
        WHERE account = a.id AND expires < t - interval '30 days';

    UPDATE procmgr.session SET ended = t, why = 'too_many'
        WHERE id IN (SELECT id FROM procmgr.session
                     WHERE account = a.id AND ended IS NULL
                       AND expires > t AND seen + idle > t
                     ORDER BY created DESC, id OFFSET 4);

    IF FOUND THEN
        PERFORM procmgr.epoch_grow();
    END IF;

    INSERT INTO procmgr.session (token, account, csrf, created, auth_at, seen,
                                 idle, expires, remote, agent, host)
        VALUES (key, a.id, p_csrf, t, t, t, make_interval(secs => p_idle),
                t + make_interval(secs => p_absolute), p_remote,
                left(p_agent, 256), p_host);

    PERFORM procmgr.log_add(p_host, 'login', a.name, a.name, a.role, p_remote,
        jsonb_build_object('agent', left(p_agent, 256)), 'success', NULL,
        NULL);

    RETURN procmgr.session_json(key, p_idle);
END
$$;


CREATE FUNCTION procmgr.session_finish(s procmgr.session, p_actor bigint)
    RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner   text;
    ender   procmgr.account;
BEGIN
    UPDATE procmgr.session SET ended = clock_timestamp(), why = 'logout'
        WHERE id = s.id;
    PERFORM procmgr.epoch_grow();

    SELECT name INTO owner FROM procmgr.account WHERE id = s.account;
    SELECT * INTO ender FROM procmgr.account WHERE id = p_actor;

    PERFORM procmgr.log_add(s.host, 'logout', owner, ender.name, ender.role,
        s.remote, jsonb_build_object('session', s.id), 'success', NULL, NULL);
END
$$;


CREATE FUNCTION procmgr.session_end(p_token text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s procmgr.session;
BEGIN
    SELECT * INTO s FROM procmgr.session
        WHERE token = decode(p_token, 'hex') AND ended IS NULL FOR UPDATE;

    IF FOUND THEN
        PERFORM procmgr.session_finish(s, s.account);
    END IF;

    RETURN json_build_object('ended', s.id IS NOT NULL);
END
$$;


-- p_account is who asks; p_all lets him end others' sessions

CREATE FUNCTION procmgr.session_end_id(p_id uuid, p_account bigint,
    p_all boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s procmgr.session;
BEGIN
    SELECT * INTO s FROM procmgr.session
        WHERE id = p_id AND ended IS NULL AND (p_all OR account = p_account)
        FOR UPDATE;

    IF FOUND THEN
        PERFORM procmgr.session_finish(s, p_account);
    END IF;

    RETURN json_build_object('ended', s.id IS NOT NULL);
END
$$;


CREATE FUNCTION procmgr.session_list(p_account bigint, p_all boolean)
    RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(json_build_object(
        'id', s.id,
        'user', a.name,
        'role', a.role,
        'created', procmgr.rfc3339(s.created),
        'last_seen', procmgr.rfc3339(s.seen),
        'expires', procmgr.rfc3339(s.expires),
        'remote', s.remote,
        'agent', s.agent,
        'host', s.host) ORDER BY s.created DESC), '[]')::text
    FROM procmgr.session s
    JOIN procmgr.account a ON a.id = s.account
    WHERE s.ended IS NULL AND s.expires > clock_timestamp()
      AND s.seen + s.idle > clock_timestamp()
      AND NOT a.disabled AND a.deleted IS NULL
      AND (p_all OR s.account = p_account)
$$;


-- A row of the log per source and five minutes, and at most 60 rows per host
-- in that time: beyond it all sources share the one named "*".

CREATE FUNCTION procmgr.login_failed(p_name text, p_remote text, p_agent text,
    p_host text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t     timestamptz := to_timestamp(
              floor(extract(epoch FROM clock_timestamp()) / 300) * 300);
    who   text := coalesce(p_remote, '');
    at    bigint;
BEGIN
    PERFORM procmgr.chain_lock(p_host);

    LOOP
        UPDATE procmgr.login_failed_count c SET n = c.n + 1
            WHERE c.bucket = t AND c.host = p_host AND c.remote = who;

        IF FOUND THEN
            RETURN json_build_object('ok', true);
        END IF;

        EXIT WHEN who = '*' OR (SELECT count(*) < 60
            FROM procmgr.login_failed_count c
            WHERE c.bucket = t AND c.host = p_host);

        who := '*';
    END LOOP;

    DELETE FROM procmgr.login_failed_count WHERE bucket < t - interval '1 day';

    at := procmgr.log_add(p_host, 'login_failed', left(p_name, 64), NULL,
        NULL, left(p_remote, 64),
        jsonb_build_object('agent', left(p_agent, 256)), 'refused',
        'login_failed', NULL);

    INSERT INTO procmgr.login_failed_count VALUES (p_host, who, t, 1, at);

    RETURN json_build_object('ok', true);
END
$$;


-- a new password: all sessions end but the one that is kept

CREATE FUNCTION procmgr.password_set(p_account bigint, p_hash text,
    p_keep uuid, p_actor text, p_remote text, p_host text) RETURNS int
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a      procmgr.account;
    ended  int;
BEGIN
    UPDATE procmgr.account SET hash = p_hash
        WHERE id = p_account AND deleted IS NULL RETURNING * INTO a;

    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    UPDATE procmgr.session s SET ended = clock_timestamp(), why = 'password'
        WHERE s.account = a.id AND s.ended IS NULL
          AND s.id IS DISTINCT FROM p_keep;
    GET DIAGNOSTICS ended = ROW_COUNT;

    PERFORM procmgr.epoch_grow();
    PERFORM procmgr.log_add(p_host, 'password_changed', a.name, p_actor,
        a.role, p_remote, NULL, 'success', NULL, NULL);

    RETURN ended;
END
$$;


CREATE FUNCTION procmgr.account_password(p_account bigint, p_hash text,
    p_keep uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s procmgr.session;
BEGIN
    SELECT * INTO s FROM procmgr.session
        WHERE id = p_keep AND account = p_account;

    RETURN json_build_object('ended', procmgr.password_set(p_account, p_hash,
        p_keep, (SELECT name FROM procmgr.account WHERE id = p_account),
        s.remote, coalesce(s.host, 'unknown')));
END
$$;


-- For procmgrctl, which connects as an administrator of the database.

CREATE FUNCTION procmgr.account_add(p_name text, p_role text, p_hash text,
    p_update boolean, p_host text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    a procmgr.account;
BEGIN
    INSERT INTO procmgr.account (name, role, hash)
        VALUES (p_name, p_role, p_hash)
        ON CONFLICT (name) WHERE deleted IS NULL DO NOTHING;

    IF FOUND THEN
        RETURN 'created';
    END IF;

    IF NOT p_update THEN
        RETURN 'exists';
    END IF;

    UPDATE procmgr.account SET role = p_role
        WHERE name = p_name AND deleted IS NULL RETURNING * INTO a;
    PERFORM procmgr.password_set(a.id, p_hash, NULL, 'procmgrctl', NULL,
                                 p_host);

    RETURN 'updated';
END
$$;


CREATE FUNCTION procmgr.account_passwd(p_name text, p_hash text, p_host text)
    RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    SELECT id INTO who FROM procmgr.account
        WHERE name = p_name AND deleted IS NULL;

    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;

    PERFORM procmgr.password_set(who, p_hash, NULL, 'procmgrctl', NULL,
                                 p_host);

    RETURN 'updated';
END
$$;


CREATE FUNCTION procmgr.account_list() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(json_build_object(
        'name', a.name,
        'role', a.role,
        'disabled', a.disabled,
        'created', procmgr.rfc3339(a.created),
        'sessions', (SELECT count(*) FROM procmgr.session s
                     WHERE s.account = a.id AND s.ended IS NULL
                       AND s.expires > clock_timestamp()
                       AND s.seen + s.idle > clock_timestamp()))
        ORDER BY a.name), '[]')::text
    FROM procmgr.account a WHERE a.deleted IS NULL
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.account_auth(text),
    procmgr.account_password(bigint, text, uuid),
    procmgr.login_failed(text, text, text, text),
    procmgr.session_create(bigint, text, text, int, int, text, text, text),
    procmgr.session_end(text),
    procmgr.session_end_id(uuid, bigint, boolean),
    procmgr.session_epoch(),
    procmgr.session_get(text, int),
    procmgr.session_list(bigint, boolean),
    procmgr.session_reauth(text, int),
    procmgr.session_touch(text, int)
    TO procmgr_web;
