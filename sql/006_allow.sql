-- An account with a list of services acts on these and on nothing else: the
-- answer to its intent is then the row of its refusal.

SET LOCAL ROLE procmgr_owner;


ALTER FUNCTION procmgr.op_intent(uuid, text, text, text, text, text, text,
    jsonb, text, text, text) RENAME TO op_intent_allowed;

REVOKE EXECUTE ON FUNCTION procmgr.op_intent_allowed(uuid, text, text, text,
    text, text, text, jsonb, text, text, text) FROM procmgr_web;

CREATE FUNCTION procmgr.op_intent(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_idem text, p_idem_hash text, p_lock text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said json;
BEGIN
    IF procmgr.actor_allowed(p_actor, p_type, p_target) THEN
        RETURN procmgr.op_intent_allowed(p_op_id, p_host, p_type, p_target,
            p_actor, p_role, p_remote, p_request, p_idem, p_idem_hash,
            p_lock);
    END IF;

    said := procmgr.op_refuse(p_op_id, p_host, p_type, p_target, p_actor,
        p_role, p_remote, p_request, 'not_allowed',
        'this account may not act on it');

    IF said->>'wait' IS NOT NULL THEN
        RETURN json_build_object('status', 'throttled', 'wait',
                                 said->'wait');
    END IF;

    RETURN json_build_object('status', 'repeat', 'op', said->'op');
END
$$;

GRANT EXECUTE ON FUNCTION
    procmgr.op_intent(uuid, text, text, text, text, text, text, jsonb, text,
                      text, text)
    TO procmgr_web;
