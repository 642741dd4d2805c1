-- What an account may act on is told to it, not only held against it.

SET LOCAL ROLE procmgr_owner;


-- The services that this actor, an account or a token of one, is bound to;
-- null where there is no list: all that its role may.

CREATE FUNCTION procmgr.actor_allow(p_actor text) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_agg(w.service ORDER BY w.service COLLATE "C")
    FROM procmgr.account_allow w
    WHERE w.account IN (SELECT a.id FROM procmgr.account a
                        WHERE a.name = p_actor AND a.deleted IS NULL
                        UNION ALL
                        SELECT t.account FROM procmgr.token t
                        WHERE p_actor LIKE 'token:%'
                          AND t.name = substr(p_actor, 7))
$$;


GRANT EXECUTE ON FUNCTION procmgr.actor_allow(text) TO procmgr_web;
