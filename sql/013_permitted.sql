-- What the policy permits is done, however often the account was refused in
-- this minute: the module says whether the policy names it for the role.

SET LOCAL ROLE procmgr_owner;


-- Must an account wait that was refused sixty times in this minute?  Not for
-- what was not refused when it did it last; a target that was held by another
-- and a password that was missing are no refusals of it.  Nor for what it has
-- not tried among its last 1000 rows and the policy names.  What the policy
-- does not name is tried sixty times more: a list of names that nobody knows
-- does not fill the log.  What is held is told past the bound without a row.

DROP FUNCTION procmgr.op_intent_allowed(uuid, text, text, text, text, text,
    text, jsonb, text, text, text);
DROP FUNCTION procmgr.refused_stop(text, text, text, text);

CREATE FUNCTION procmgr.refused_stop(p_actor text, p_host text, p_type text,
    p_target text, p_known boolean) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wait int := procmgr.refused_wait(p_actor);
    last text;
BEGIN
    IF wait IS NULL THEN
        RETURN NULL;
    END IF;

    SELECT s.status INTO last
        FROM (SELECT seq, host, type, target FROM procmgr.op
              WHERE actor = p_actor ORDER BY seq DESC LIMIT 1000) o
        JOIN procmgr.op_state s ON s.seq = o.seq
        WHERE o.host = p_host AND o.type = p_type AND o.target = p_target
          AND coalesce(s.code, '') NOT IN ('target_busy', 'reauth_required')
        ORDER BY o.seq DESC LIMIT 1;

    IF last <> 'refused' THEN
        RETURN NULL;
    END IF;

    IF last IS NULL AND (p_known OR (SELECT n < 120 FROM procmgr.op_refused
                                     WHERE actor = p_actor))
    THEN
        RETURN NULL;
    END IF;

    RETURN wait;
END
$$;


CREATE FUNCTION procmgr.op_intent_allowed(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_idem text, p_idem_hash text, p_lock text, p_known boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
    a procmgr.op_active;
    r procmgr.op_row;
    held text := coalesce(p_lock, p_target);
    wait int;
BEGIN
    IF p_target IS NULL OR p_actor IS NULL THEN
        RAISE EXCEPTION 'an operation has a target and an actor'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    PERFORM procmgr.chain_lock(p_host);

    LOOP
        SELECT * INTO r FROM procmgr.op_row WHERE op_id = p_op_id;

        IF FOUND THEN
            IF r.code = 'not_started' THEN
                RETURN json_build_object('status', 'tombstone');
            END IF;

            RETURN json_build_object('status', 'repeat',
                                     'op', procmgr.op_json(r, 1000000));
        END IF;

        SELECT * INTO r FROM procmgr.op_row
            WHERE actor = p_actor AND idem = p_idem;

        IF FOUND THEN
            IF r.idem_hash IS DISTINCT FROM p_idem_hash THEN
                RETURN json_build_object('status', 'mismatch',
                                         'op_id', r.op_id);
            END IF;

            RETURN json_build_object('status', 'repeat',
                                     'op', procmgr.op_json(r, 1000000));
        END IF;

        wait := procmgr.refused_stop(p_actor, p_host, p_type, p_target,
                                     p_known);

        IF wait IS NOT NULL THEN
            RETURN json_build_object('status', 'throttled', 'wait', wait);
        END IF;

        SELECT * INTO a FROM procmgr.op_active
            WHERE host = p_host AND target = held;

        IF FOUND THEN
            IF procmgr.refused_wait(p_actor) IS NOT NULL THEN
                RETURN json_build_object('status', 'busy', 'op_id', a.op_id);
            END IF;

            o := procmgr.op_add(gen_random_uuid(), p_host, p_type, p_target,
                                p_actor, p_role, p_remote, p_request, NULL,
                                NULL);
            PERFORM procmgr.event_add(o, 'outcome', 'refused', 'target_busy',
                jsonb_build_object('reason', 'another operation on it is '
                    'running: ' || a.op_id));
            PERFORM procmgr.refused_add(p_actor);

            RETURN json_build_object('status', 'busy', 'op_id', a.op_id,
                                     'refused', o.op_id);
        END IF;

        o := procmgr.op_add(p_op_id, p_host, p_type, p_target, p_actor,
                            p_role, p_remote, p_request, p_idem, p_idem_hash);

        -- a key was taken meanwhile, through the chain of another host
        CONTINUE WHEN o.seq IS NULL;

        INSERT INTO procmgr.op_active
            VALUES (p_host, held, o.seq, p_op_id);

        RETURN json_build_object('status', 'ok', 'seq', o.seq);
    END LOOP;
END
$$;


DROP FUNCTION procmgr.op_intent(uuid, text, text, text, text, text, text,
                                jsonb, text, text, text, text);

CREATE FUNCTION procmgr.op_intent(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_idem text, p_idem_hash text, p_lock text DEFAULT NULL,
    p_spool text DEFAULT NULL, p_known boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said  json;
    c     procmgr.chain;
BEGIN
    IF NOT procmgr.actor_allowed(p_actor, p_type, p_target) THEN
        said := procmgr.op_refuse(p_op_id, p_host, p_type, p_target, p_actor,
            p_role, p_remote, p_request, 'not_allowed',
            'this account may not act on it');

        RETURN CASE WHEN said->>'wait' IS NOT NULL
            THEN json_build_object('status', 'throttled',
                                   'wait', said->'wait')
            ELSE json_build_object('status', 'repeat', 'op', said->'op') END;
    END IF;

    said := procmgr.op_intent_allowed(p_op_id, p_host, p_type, p_target,
        p_actor, p_role, p_remote, p_request, p_idem, p_idem_hash, p_lock,
        coalesce(p_known, false));

    IF said->>'status' <> 'ok' THEN
        RETURN said;
    END IF;

    IF p_spool IS NOT NULL THEN
        UPDATE procmgr.op_active SET spool = p_spool WHERE op_id = p_op_id;
    END IF;

    SELECT * INTO c FROM procmgr.chain WHERE host = p_host;

    RETURN json_build_object('status', 'ok', 'seq', said->'seq',
                             'chain', procmgr.chain_mark(c));
END
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.op_intent(uuid, text, text, text, text, text, text, jsonb, text,
                      text, text, text, boolean)
    TO procmgr_web;
