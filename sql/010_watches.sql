-- Watches: what a host watches, so that it goes on after a restart of nginx,
-- and the rows of the log that they make.

SET LOCAL ROLE procmgr_owner;


-- def is what the module needs to start it again; samples are not kept

CREATE TABLE procmgr.watch (
    id         uuid PRIMARY KEY,
    host       text NOT NULL CHECK (octet_length(host) BETWEEN 1 AND 255),
    target     text NOT NULL CHECK (octet_length(target) <= 1024),
    def        jsonb NOT NULL CHECK (jsonb_typeof(def) = 'object'),
    actor      text NOT NULL CHECK (octet_length(actor) <= 255),
    role       text NOT NULL CHECK (octet_length(role) <= 64),
    remote     text CHECK (octet_length(remote) <= 255),
    running    boolean NOT NULL,
    created    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX watch_host ON procmgr.watch (host, created);


-- One row that is complete at once, of an id that the caller gives: written
-- twice it stays one.  Whether this was the first time.

CREATE FUNCTION procmgr.watch_log(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_code text, p_detail jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
BEGIN
    o := procmgr.op_add(p_op_id, p_host, p_type, p_target, p_actor, p_role,
                        p_remote, p_request, NULL, NULL);

    IF o.seq IS NULL THEN
        RETURN false;
    END IF;

    PERFORM procmgr.event_add(o, 'outcome', 'success', p_code, p_detail);

    RETURN true;
END
$$;


-- the row's id is that of the watch: an answer that was lost may be repeated

CREATE FUNCTION procmgr.watch_add(p_id uuid, p_host text, p_target text,
    p_actor text, p_role text, p_remote text, p_def jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF procmgr.watch_log(p_id, p_host, 'memory_watch', p_target, p_actor,
                         p_role, p_remote, p_def, 'started', NULL)
    THEN
        INSERT INTO procmgr.watch (id, host, target, def, actor, role, remote,
                                   running)
            VALUES (p_id, p_host, p_target, p_def, p_actor, p_role, p_remote,
                    true);
    END IF;

    RETURN json_build_object('status', 'ok');
END
$$;


-- Stopped, started again, with other thresholds (p_def), or deleted.  Who
-- did it stands in the row; the watch stays that of who made it.

CREATE FUNCTION procmgr.watch_change(p_op_id uuid, p_host text, p_id uuid,
    p_actor text, p_role text, p_remote text, p_code text, p_detail jsonb,
    p_def jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    w procmgr.watch;
BEGIN
    -- the chain first, as everywhere
    PERFORM procmgr.chain_lock(p_host);

    SELECT * INTO w FROM procmgr.watch
        WHERE id = p_id AND host = p_host FOR UPDATE;

    IF NOT FOUND THEN
        RETURN json_build_object('status', 'missing');
    END IF;

    IF NOT procmgr.watch_log(p_op_id, p_host, 'memory_watch', w.target,
                             p_actor, p_role, p_remote,
                             coalesce(p_def, w.def), p_code, p_detail)
    THEN
        RETURN json_build_object('status', 'ok');
    END IF;

    CASE p_code
        WHEN 'started' THEN
            UPDATE procmgr.watch SET running = true,
                def = coalesce(p_def, def) WHERE id = p_id;
        WHEN 'stopped' THEN
            UPDATE procmgr.watch SET running = false WHERE id = p_id;
        WHEN 'changed' THEN
            UPDATE procmgr.watch SET def = coalesce(p_def, def)
                WHERE id = p_id;
        WHEN 'deleted' THEN
            DELETE FROM procmgr.watch WHERE id = p_id;
        ELSE
            RAISE EXCEPTION 'no such change of a watch'
                USING ERRCODE = 'invalid_parameter_value';
    END CASE;

    RETURN json_build_object('status', 'ok');
END
$$;


-- an actor's role today, an account's or a token's; NULL: it may not act

CREATE FUNCTION procmgr.actor_role(p_actor text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.role FROM procmgr.account a
    WHERE a.name = p_actor AND a.deleted IS NULL AND NOT a.disabled
    UNION ALL
    SELECT CASE WHEN procmgr.role_rank(t.role) < procmgr.role_rank(a.role)
                THEN t.role ELSE a.role END
    FROM procmgr.token t
    JOIN procmgr.account a ON a.id = t.account
    WHERE p_actor LIKE 'token:%' AND t.name = substr(p_actor, 7)
      AND t.revoked IS NULL
      AND (t.expires IS NULL OR t.expires > clock_timestamp())
      AND a.deleted IS NULL AND NOT a.disabled
    LIMIT 1
$$;


-- What happened to a watch by itself: an alert, or its end.  The role that
-- its maker has today comes back, for the command of an alert.

CREATE FUNCTION procmgr.watch_note(p_op_id uuid, p_host text, p_id uuid,
    p_type text, p_target text, p_actor text, p_role text, p_remote text,
    p_code text, p_detail jsonb) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    fresh boolean;
BEGIN
    IF p_type NOT IN ('memory_alert', 'memory_watch') THEN
        RAISE EXCEPTION 'no such row of a watch'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    fresh := procmgr.watch_log(p_op_id, p_host, p_type, p_target, p_actor,
        p_role, p_remote, jsonb_build_object('watch', p_id), p_code,
        p_detail);

    IF p_code = 'ended' THEN
        UPDATE procmgr.watch SET running = false
            WHERE id = p_id AND host = p_host;
    END IF;

    RETURN json_build_object('status', 'ok', 'fresh', fresh,
                             'role', procmgr.actor_role(p_actor));
END
$$;


CREATE FUNCTION procmgr.watch_list(p_host text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(json_build_object('id', id, 'def', def,
               'actor', actor, 'role', role, 'remote', remote,
               'running', running) ORDER BY created), '[]')::text
    FROM procmgr.watch WHERE host = p_host
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.watch_add(uuid, text, text, text, text, text, jsonb),
    procmgr.watch_change(uuid, text, uuid, text, text, text, text, jsonb,
                         jsonb),
    procmgr.watch_note(uuid, text, uuid, text, text, text, text, text, text,
                       jsonb),
    procmgr.watch_list(text)
    TO procmgr_web;

GRANT SELECT ON procmgr.watch TO procmgr_audit;
