-- What one operation holds while it runs, the samples of measured runs, and
-- a bound on the refused rows of an account.

SET LOCAL ROLE procmgr_owner;


-- An operation holds a thing under a name of its kind: "process:..." is no
-- "command:...", and two public names of one unit hold the same.

COMMENT ON COLUMN procmgr.op_active.target IS
    'what is held: the kind, a colon and its canonical name';

CREATE UNIQUE INDEX op_active_op ON procmgr.op_active (op_id);


-- the memory of a measured run over its time: [[ms, KiB, ...], ...]

CREATE TABLE procmgr.op_series (
    seq        bigint PRIMARY KEY REFERENCES procmgr.op,
    points     jsonb NOT NULL
               CHECK (jsonb_typeof(points) = 'array'
                      AND jsonb_array_length(points) <= 1000)
);

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON procmgr.op_series EXECUTE FUNCTION procmgr.deny_change();


-- The refused rows of an account in a minute.  Past the bound an attempt is
-- answered without a row: nobody fills the log by trying.

CREATE TABLE procmgr.op_refused (
    actor      text PRIMARY KEY,
    since      timestamptz NOT NULL,
    n          int NOT NULL
);


CREATE FUNCTION procmgr.refused_add(p_actor text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO procmgr.op_refused AS r
        VALUES (p_actor, clock_timestamp(), 1)
        ON CONFLICT (actor) DO UPDATE SET
            n = CASE WHEN r.since > clock_timestamp() - interval '1 minute'
                     THEN r.n + 1 ELSE 1 END,
            since = CASE WHEN r.since > clock_timestamp() - interval '1 minute'
                         THEN r.since ELSE clock_timestamp() END
$$;


-- seconds until the account may try again, or NULL: it may

CREATE FUNCTION procmgr.refused_wait(p_actor text) RETURNS int
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT ceil(extract(epoch FROM r.since + interval '1 minute'
                                   - clock_timestamp()))::int
    FROM procmgr.op_refused r
    WHERE r.actor = p_actor AND r.n >= 60
      AND r.since > clock_timestamp() - interval '1 minute'
$$;


-- p_lock is what the operation holds, the target itself when it is NULL.  A
-- held one is a row too, of an id of its own: the caller's stays free.

DROP FUNCTION procmgr.op_intent(uuid, text, text, text, text, text, text,
                                jsonb, text, text);

CREATE FUNCTION procmgr.op_intent(p_op_id uuid, p_host text, p_type text,
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

        wait := procmgr.refused_wait(p_actor);

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


DROP FUNCTION procmgr.op_outcome(uuid, text, text, jsonb);

CREATE FUNCTION procmgr.op_outcome(p_op_id uuid, p_status text, p_code text,
    p_result jsonb, p_series jsonb DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
    was text;
BEGIN
    IF p_status NOT IN ('success', 'failure', 'refused', 'unknown') THEN
        RAISE EXCEPTION 'unknown outcome'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    SELECT * INTO o FROM procmgr.op WHERE op_id = p_op_id;

    IF NOT FOUND THEN
        RETURN json_build_object('status', 'missing', 'op', NULL);
    END IF;

    PERFORM procmgr.chain_lock(o.host);

    SELECT status INTO was FROM procmgr.op_state WHERE seq = o.seq;

    IF was = 'running' THEN
        PERFORM procmgr.event_add(o, 'outcome', p_status, p_code, p_result);

    ELSIF was = 'unknown' AND p_status <> 'unknown' THEN
        PERFORM procmgr.event_add(o, 'resolved', p_status, p_code, p_result);

    ELSE
        RETURN json_build_object('status', 'already',
                                 'op', procmgr.op_json_of(p_op_id));
    END IF;

    IF p_series IS NOT NULL THEN
        INSERT INTO procmgr.op_series VALUES (o.seq, p_series)
            ON CONFLICT DO NOTHING;
    END IF;

    IF p_status = 'refused' THEN
        PERFORM procmgr.refused_add(o.actor);
    END IF;

    DELETE FROM procmgr.op_active WHERE op_id = p_op_id;

    RETURN json_build_object('status', 'ok',
                             'op', procmgr.op_json_of(p_op_id));
END
$$;


CREATE OR REPLACE FUNCTION procmgr.op_refuse(p_op_id uuid, p_host text,
    p_type text, p_target text, p_actor text, p_role text, p_remote text,
    p_request jsonb, p_code text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
    wait int;
BEGIN
    -- one after the other, so that many at once are counted
    PERFORM procmgr.chain_lock(p_host);

    wait := procmgr.refused_wait(p_actor);

    IF wait IS NOT NULL THEN
        RETURN json_build_object('wait', wait);
    END IF;

    o := procmgr.op_add(p_op_id, p_host, p_type, p_target, p_actor, p_role,
                        p_remote, p_request, NULL, NULL);

    IF o.seq IS NOT NULL THEN
        PERFORM procmgr.event_add(o, 'outcome', 'refused', p_code,
                                  jsonb_build_object('reason', p_reason));
        PERFORM procmgr.refused_add(p_actor);
    END IF;

    RETURN json_build_object('op', procmgr.op_json_of(p_op_id));
END
$$;


-- the samples of an operation, none when it was not measured; NULL when
-- there is no such operation

CREATE FUNCTION procmgr.log_series(p_op_id uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(s.points, '[]')::text
    FROM procmgr.op o
    LEFT JOIN procmgr.op_series s ON s.seq = o.seq
    WHERE o.op_id = p_op_id
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.op_intent(uuid, text, text, text, text, text, text, jsonb, text,
                      text, text),
    procmgr.op_outcome(uuid, text, text, jsonb, jsonb)
    TO procmgr_web;

GRANT EXECUTE ON FUNCTION procmgr.log_series(uuid)
    TO procmgr_web, procmgr_audit;

GRANT SELECT ON procmgr.op_series TO procmgr_audit;


-- the row of a signal says who is gone

ALTER FUNCTION procmgr.op_json(procmgr.op_row, int) RENAME TO op_json_common;

CREATE FUNCTION procmgr.op_json(r procmgr.op_row, cut int) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE r.type
        WHEN 'process_signal' THEN
            (procmgr.op_json_common(r, cut)::jsonb
             || jsonb_build_object('gone', r.detail->'gone',
                                   'alive', r.detail->'alive'))::json
        ELSE procmgr.op_json_common(r, cut) END
$$;
