-- What is throttled is refusals: an account that was refused sixty times in a
-- minute is still served where nothing stands against it.

SET LOCAL ROLE procmgr_owner;


-- Must an account wait that was refused sixty times in this minute?  Not for
-- what was not refused when it did it last, and for what it has not tried in
-- this minute only until it was refused sixty times more: a list of names
-- that nobody knows does not fill the log.  Its last 1000 rows are looked at.

CREATE FUNCTION procmgr.refused_stop(p_actor text, p_host text, p_type text,
    p_target text) RETURNS int
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
        ORDER BY o.seq DESC LIMIT 1;

    IF last <> 'refused' THEN
        RETURN NULL;
    END IF;

    IF last IS NULL AND (SELECT n < 120 FROM procmgr.op_refused
                         WHERE actor = p_actor)
    THEN
        RETURN NULL;
    END IF;

    RETURN wait;
END
$$;


CREATE OR REPLACE FUNCTION procmgr.op_intent_allowed(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_idem text, p_idem_hash text, p_lock text DEFAULT NULL) RETURNS text
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

        wait := procmgr.refused_stop(p_actor, p_host, p_type, p_target);

        IF wait IS NOT NULL THEN
            RETURN json_build_object('status', 'throttled', 'wait', wait);
        END IF;

        SELECT * INTO a FROM procmgr.op_active
            WHERE host = p_host AND target = held;

        IF FOUND THEN
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
