-- Requests that are denied before anybody is known to ask: on record, but not
-- a row each.

SET LOCAL ROLE procmgr_owner;


-- requests behind one row of the log

CREATE TABLE procmgr.request_denied_count (
    host       text NOT NULL,
    code       text NOT NULL,
    remote     text NOT NULL,
    bucket     timestamptz NOT NULL,
    n          bigint NOT NULL,
    seq        bigint NOT NULL,
    PRIMARY KEY (bucket, host, code, remote)
);


-- What a worker has counted.  A row of the log per code, source and five
-- minutes, and at most 60 rows per host in that time: beyond it all sources
-- share the one named "*" of each code.

CREATE FUNCTION procmgr.request_denied(p_host text, p_denied jsonb)
    RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    t     timestamptz := to_timestamp(
              floor(extract(epoch FROM clock_timestamp()) / 300) * 300);
    d     record;
    who   text;
    at    bigint;
BEGIN
    PERFORM procmgr.chain_lock(p_host);

    DELETE FROM procmgr.request_denied_count
        WHERE bucket < t - interval '1 day';

    FOR d IN SELECT x.code, left(coalesce(x.remote, ''), 64) AS remote,
                 left(nullif(x.target, ''), 256) AS target,
                 left(x.agent, 256) AS agent, left(x.path, 256) AS path,
                 least(greatest(x.n, 1), 1000000000) AS n
             FROM jsonb_to_recordset(p_denied) AS x (code text, remote text,
                 target text, agent text, path text, n bigint)
             WHERE x.code IN ('bad_host', 'bad_origin', 'bad_csrf')
             LIMIT 100
    LOOP
        who := d.remote;

        LOOP
            UPDATE procmgr.request_denied_count c SET n = c.n + d.n
                WHERE c.bucket = t AND c.host = p_host AND c.code = d.code
                  AND c.remote = who;

            EXIT WHEN FOUND;

            IF who = '*' OR (SELECT count(*) < 60
                FROM procmgr.request_denied_count c
                WHERE c.bucket = t AND c.host = p_host)
            THEN
                at := procmgr.log_add(p_host, 'request_denied', d.target,
                    NULL, NULL, d.remote,
                    jsonb_build_object('agent', d.agent, 'path', d.path),
                    'refused', d.code, NULL);

                INSERT INTO procmgr.request_denied_count
                    VALUES (p_host, d.code, who, t, d.n, at);

                EXIT;
            END IF;

            who := '*';
        END LOOP;
    END LOOP;

    RETURN json_build_object('ok', true);
END
$$;


GRANT EXECUTE ON FUNCTION procmgr.request_denied(text, jsonb) TO procmgr_web;
GRANT SELECT ON procmgr.request_denied_count TO procmgr_audit;
