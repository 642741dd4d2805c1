-- Who was shown values of environments, and of which process: on record
-- before they are.

SET LOCAL ROLE procmgr_owner;


CREATE FUNCTION procmgr.sensitive_read(p_host text, p_target text,
    p_actor text, p_role text, p_remote text, p_request jsonb) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT procmgr.log_add(p_host, 'sensitive_read', p_target, p_actor,
                           p_role, p_remote, p_request, 'success', NULL,
                           NULL)::text
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.sensitive_read(text, text, text, text, text, jsonb)
    TO procmgr_web;
