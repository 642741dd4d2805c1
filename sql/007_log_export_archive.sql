-- Export and retention of the log.
--
-- Archived are whole days from the start of a host's chain.  What was
-- archived last is an anchor: the hash that the first event left continues.

SET LOCAL ROLE procmgr_owner;


CREATE INDEX op_state_seen ON procmgr.op_state (seq) WHERE NOT unread;
CREATE INDEX op_event_at ON procmgr.op_event (host, at);
CREATE INDEX op_state_event ON procmgr.op_state (event);

CREATE TABLE procmgr.chain_archive (
    host       text NOT NULL REFERENCES procmgr.chain,
    n          bigint NOT NULL,
    seq        bigint NOT NULL,
    hash       bytea NOT NULL,
    until      timestamptz NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (host, n)
);

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON procmgr.chain_archive EXECUTE FUNCTION procmgr.deny_change();


CREATE FUNCTION procmgr.chain_base(p_host text) RETURNS procmgr.chain_archive
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM procmgr.chain_archive
    WHERE host = p_host ORDER BY n DESC LIMIT 1
$$;


-- archive_drop() says which transaction may delete

CREATE OR REPLACE FUNCTION procmgr.deny_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME <> 'chain_archive'
       AND current_setting('procmgr.archiving', true)
           = pg_current_xact_id()::text
    THEN
        RETURN NULL;
    END IF;

    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;


-- The positions that a page of the log has: newest first, one more than a
-- page, so that it is known whether there is another.  Planned for the
-- filters that are given: the others fold away, and what is left has an index
-- each.  A time is turned into positions first, which follow the clock but
-- for the moments in which two hosts write; an hour of grace covers these and
-- a clock that was set back.

CREATE FUNCTION procmgr.log_found(p_filters jsonb, p_rows int,
    p_before bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off AS $$
DECLARE
    f_unread  boolean := (p_filters->>'unread')::boolean;
    f_type    text := p_filters->>'logType';
    f_status  text := p_filters->>'retStatus';
    f_actor   text := p_filters->>'actor';
    f_target  text := p_filters->>'target';
    f_host    text := p_filters->>'host';
    f_q       text := lower(nullif(p_filters->>'q', ''));
    f_since   timestamptz := (p_filters->>'since')::timestamptz;
    f_until   timestamptz := (p_filters->>'until')::timestamptz;
    grace     interval := '1 hour';
    lowest    bigint;
    highest   bigint;
BEGIN
    IF f_status = 'pending' THEN
        f_status := 'running';
    END IF;

    IF f_since IS NOT NULL THEN
        lowest := coalesce(
            (SELECT min(o.seq) FROM procmgr.op o
             WHERE o.at >= f_since AND o.at < f_since + grace),
            (SELECT o.seq FROM procmgr.op o
             WHERE o.at >= f_since ORDER BY o.at LIMIT 1),
            9223372036854775807);
    END IF;

    IF f_until IS NOT NULL THEN
        highest := coalesce(
            (SELECT max(o.seq) FROM procmgr.op o
             WHERE o.at < f_until AND o.at >= f_until - grace),
            (SELECT o.seq FROM procmgr.op o
             WHERE o.at < f_until ORDER BY o.at DESC LIMIT 1),
            0);
    END IF;

    RETURN QUERY
        SELECT o.seq
        FROM procmgr.op o
        JOIN procmgr.op_state s ON s.seq = o.seq
        WHERE (p_before IS NULL OR o.seq < p_before)
          AND (lowest IS NULL OR o.seq >= lowest)
          AND (highest IS NULL OR o.seq <= highest)
          AND (f_unread IS NOT TRUE OR s.unread)
          AND (f_unread IS NOT FALSE OR NOT s.unread)
          AND (f_type IS NULL OR o.type = f_type)
          AND (f_status IS NULL OR s.status = f_status)
          AND (f_actor IS NULL OR o.actor = f_actor)
          AND (f_target IS NULL OR o.target = f_target)
          AND (f_host IS NULL OR o.host = f_host)
          AND (f_since IS NULL OR o.at >= f_since)
          AND (f_until IS NULL OR o.at < f_until)
          AND (f_q IS NULL OR strpos(lower(concat_ws(E'\n', o.type, o.target,
                   o.actor, o.remote, o.host, s.code, o.request::text)), f_q)
                   > 0)
        ORDER BY o.seq DESC
        LIMIT p_rows;
END
$$;


CREATE OR REPLACE FUNCTION procmgr.log_list(p_filters jsonb, p_limit int,
    p_before bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n         int := least(greatest(coalesce(p_limit, 100), 1), 500);
    found     bigint[];
    page      json;
BEGIN
    found := ARRAY(SELECT procmgr.log_found(p_filters, n + 1, p_before));

    SELECT json_agg(procmgr.op_json(r, 4096) ORDER BY r.seq DESC) INTO page
        FROM unnest(found[1:n]) AS u (seq)
        JOIN procmgr.op_row r ON r.seq = u.seq;

    RETURN json_build_object(
        'rows', coalesce(page, '[]'),
        'next', CASE WHEN cardinality(found) > n THEN found[n] END,
        'unread', (SELECT count(*) FROM procmgr.op_state WHERE unread));
END
$$;


-- RFC 4180; what a spreadsheet would take for a formula is told to be text

CREATE FUNCTION procmgr.csv_line(VARIADIC p_values text[]) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(CASE WHEN w ~ E'[",\r\n]'
                           THEN '"' || replace(w, '"', '""') || '"'
                           ELSE w END, ',' ORDER BY i) || E'\r\n'
    FROM (SELECT i, CASE WHEN v ~ E'^[=+@\t\r-]' THEN '''' || v
                         ELSE coalesce(v, '') END AS w
          FROM unnest(p_values) WITH ORDINALITY AS u (v, i)) AS l
$$;


CREATE FUNCTION procmgr.log_csv_head() RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT procmgr.csv_line('seq', 'op_id', 'host', 'logTime', 'logType',
        'target', 'actor', 'role', 'remote', 'retStatus', 'logStatus', 'code',
        'exit_code', 'signal', 'duration_ms', 'reason', 'request', 'stdout',
        'stderr')
$$;


CREATE FUNCTION procmgr.log_csv(r procmgr.op_row) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT procmgr.csv_line(r.seq::text, r.op_id::text, r.host,
        procmgr.rfc3339(r.at), r.type, r.target, r.actor, r.role, r.remote,
        r.status, CASE WHEN r.unread THEN 'unread' ELSE 'read' END, r.code,
        r.detail->>'exit_code', r.detail->>'signal',
        r.detail->>'duration_ms', r.detail->>'reason', r.request::text,
        r.detail->>'stdout', r.detail->>'stderr')
$$;


-- A page of the log as text, newest first: whole rows, at most 500 and about
-- a MiB.  `p_before' is NULL for the first page, which has the head of a CSV.

CREATE FUNCTION procmgr.log_export(p_filters jsonb, p_format text,
    p_before bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n      int := 500;
    most   int := 1048576;
    found  bigint[];
    page   text;
    last   bigint;
BEGIN
    IF p_format NOT IN ('csv', 'jsonl') THEN
        RAISE EXCEPTION 'unknown format'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    found := ARRAY(SELECT procmgr.log_found(p_filters, n + 1, p_before));

    WITH sized AS (
        SELECT s.seq, sum(b.bytes) OVER (ORDER BY s.seq DESC) - b.bytes
                          AS before
        FROM unnest(found[1:n]) AS u (seq)
        JOIN procmgr.op_state s ON s.seq = u.seq
        JOIN procmgr.op_event e ON e.seq = s.event
        CROSS JOIN LATERAL (
            SELECT coalesce(octet_length(e.detail::text), 0)) AS b (bytes)
    )
    SELECT string_agg(CASE p_format
               WHEN 'csv' THEN procmgr.log_csv(r)
               ELSE procmgr.op_json(r, 1000000)::text || E'\n' END, ''
               ORDER BY r.seq DESC), min(r.seq)
        INTO page, last
        FROM sized
        JOIN procmgr.op_row r ON r.seq = sized.seq
        WHERE sized.before < most;

    RETURN json_build_object(
        'text', CASE WHEN p_before IS NULL AND p_format = 'csv'
                     THEN procmgr.log_csv_head() ELSE '' END
                || coalesce(page, ''),
        'next', CASE WHEN last > found[cardinality(found)] THEN last END);
END
$$;


-- Looks at `p_limit' events from `p_from' on and names the first bad row.
-- One statement, one snapshot: what is added meanwhile does not disturb.

CREATE OR REPLACE FUNCTION procmgr.log_verify(p_host text, p_from bigint,
    p_limit int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    from_seq  bigint := coalesce(p_from, 0);
    most      int := least(greatest(coalesce(p_limit, 5000), 1), 100000);
    to_seq    bigint;
    checked   bigint;
    bad       json;
BEGIN
    SELECT count(*), max(w.seq) INTO checked, to_seq FROM (
        SELECT e.seq FROM procmgr.op_event e
        WHERE e.seq >= from_seq AND (p_host IS NULL OR e.host = p_host)
        ORDER BY e.seq LIMIT most) w;

    -- fewer than asked for: this is the end, where the heads are
    IF checked < most THEN
        to_seq := NULL;
    END IF;

    WITH base AS (
        SELECT b.* FROM procmgr.chain c,
            LATERAL procmgr.chain_base(c.host) b WHERE b.n IS NOT NULL
    ), looked AS (
        SELECT e.seq, o.op_id,
            CASE WHEN o.seq IS NULL THEN 'its operation is missing'
                 WHEN e.n > 1 AND b.seq IS NULL AND a.n IS NULL
                     THEN 'the event before it is missing'
                 WHEN coalesce(b.seq, a.seq) > e.seq THEN 'it is out of order'
                 WHEN e.hash <> procmgr.event_hash(
                          coalesce(b.hash, a.hash, ''), e, o)
                     THEN 'its content does not match its hash'
                 WHEN (s.event IS DISTINCT FROM e.seq
                       OR s.status IS DISTINCT FROM e.status
                       OR s.code IS DISTINCT FROM e.code)
                      AND NOT EXISTS (SELECT FROM procmgr.op_event f
                                      WHERE f.op = e.op AND f.seq > e.seq)
                     THEN 'the state shown is not that of this last event'
            END AS reason
        FROM procmgr.op_event e
        LEFT JOIN procmgr.op o ON o.seq = e.op
        LEFT JOIN procmgr.op_state s ON s.seq = e.op
        LEFT JOIN procmgr.op_event b ON b.host = e.host AND b.n = e.n - 1
        LEFT JOIN base a ON a.host = e.host AND a.n = e.n - 1
        WHERE e.seq >= from_seq AND (to_seq IS NULL OR e.seq <= to_seq)
          AND (p_host IS NULL OR e.host = p_host)

        UNION ALL

        SELECT o.seq, o.op_id,
            CASE WHEN i.seq IS NULL THEN 'it has no intent' END
        FROM procmgr.op o
        LEFT JOIN procmgr.op_event i ON i.seq = o.seq AND i.kind = 'intent'
        WHERE o.seq >= from_seq AND (to_seq IS NULL OR o.seq <= to_seq)
          AND (p_host IS NULL OR o.host = p_host)

        UNION ALL

        SELECT c.seq, NULL::uuid, 'the end of the chain is missing'
        FROM procmgr.chain c
        LEFT JOIN procmgr.op_event e ON e.host = c.host AND e.n = c.n
        LEFT JOIN base a ON a.host = c.host AND a.n = c.n
        WHERE to_seq IS NULL AND (p_host IS NULL OR c.host = p_host)
          AND c.n > 0
          AND (coalesce(e.seq, a.seq) IS DISTINCT FROM c.seq
               OR coalesce(e.hash, a.hash) IS DISTINCT FROM c.hash)
    )
    SELECT json_build_object('seq', seq, 'op_id', op_id, 'reason', reason)
        INTO bad FROM looked WHERE reason IS NOT NULL ORDER BY seq LIMIT 1;

    RETURN json_build_object('ok', bad IS NULL, 'checked', checked,
                             'next', to_seq + 1, 'bad', bad);
END
$$;


-- How far a host's chain can be archived when the last p_days days stay: to
-- the end of a day, before the first operation that runs, that spans that
-- end, or that failed and nobody has read.  NULL: nothing to archive.

CREATE FUNCTION procmgr.archive_plan(p_host text, p_days int) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    d     timestamptz := date_trunc('day', now() AT TIME ZONE 'UTC')
              AT TIME ZONE 'UTC' - make_interval(days => p_days);
    base  procmgr.chain_archive := procmgr.chain_base(p_host);
    low   bigint := coalesce(base.n, 0);
    cut   bigint;
    kept  timestamptz;
BEGIN
    LOOP
        cut := coalesce(
            (SELECT min(e.n) - 1 FROM procmgr.op_event e
             WHERE e.host = p_host AND e.at >= d),
            (SELECT c.n FROM procmgr.chain c WHERE c.host = p_host), 0);

        IF cut <= low THEN
            RETURN NULL;
        END IF;

        SELECT min(e.at) INTO kept
            FROM procmgr.op_event e
            JOIN procmgr.op_state s ON s.seq = e.op
            WHERE e.host = p_host AND e.n > low AND e.n <= cut
              AND (s.status = 'running'
                   OR (s.unread AND s.status IN ('failure', 'unknown'))
                   OR EXISTS (SELECT FROM procmgr.op_event f
                              WHERE f.op = e.op AND f.n > cut));

        IF kept IS NULL THEN
            RETURN json_build_object('host', p_host, 'from', low + 1,
                'to', cut, 'before', encode(coalesce(base.hash, ''), 'hex'),
                'until', procmgr.rfc3339(d));
        END IF;

        d := date_trunc('day', kept AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    END LOOP;
END
$$;


-- an event with all that its hash covers, as one line of an archive

CREATE FUNCTION procmgr.archive_line(p_host text, p_n bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e      procmgr.op_event;
    o      procmgr.op;
    d      procmgr.op_read;
    points jsonb;
BEGIN
    SELECT * INTO STRICT e FROM procmgr.op_event v
        WHERE v.host = p_host AND v.n = p_n;
    SELECT * INTO STRICT o FROM procmgr.op v WHERE v.seq = e.op;

    IF e.kind <> 'intent' THEN
        RETURN json_build_object('event', row_to_json(e),
                                 'op', row_to_json(o));
    END IF;

    SELECT * INTO d FROM procmgr.op_read v WHERE v.seq = o.seq;

    IF to_regclass('procmgr.op_series') IS NOT NULL THEN
        SELECT s.points INTO points FROM procmgr.op_series s
            WHERE s.seq = o.seq;
    END IF;

    RETURN json_build_object('event', row_to_json(e), 'op', row_to_json(o),
        'read', CASE WHEN d.seq IS NOT NULL THEN row_to_json(d) END,
        'series', points);
END
$$;


-- the hash of such a line after the hash before it; NULL: they do not fit

CREATE FUNCTION procmgr.archive_check(p_line json, p_before text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e procmgr.op_event;
    o procmgr.op;
BEGIN
    e := json_populate_record(NULL::procmgr.op_event, p_line->'event');
    o := json_populate_record(NULL::procmgr.op, p_line->'op');

    RETURN CASE WHEN e.op = o.seq AND e.hash
                     = procmgr.event_hash(decode(p_before, 'hex'), e, o)
                THEN encode(e.hash, 'hex') END;
END
$$;


-- Forgets what was archived.  The chain is checked as far as it goes.

CREATE FUNCTION procmgr.archive_drop(p_host text, p_to bigint,
    p_until timestamptz, p_actor text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base   procmgr.chain_archive;
    e      procmgr.op_event;
    bad    bigint;
    gone   bigint;
    ops    bigint[];
BEGIN
    PERFORM procmgr.chain_lock(p_host);

    base := procmgr.chain_base(p_host);

    SELECT count(*) - (p_to - coalesce(base.n, 0)),
           count(*) FILTER (WHERE v.hash <> procmgr.event_hash(
               coalesce(b.hash, base.hash, ''), v, o))
        INTO gone, bad
        FROM procmgr.op_event v
        JOIN procmgr.op o ON o.seq = v.op
        LEFT JOIN procmgr.op_event b ON b.host = v.host AND b.n = v.n - 1
        WHERE v.host = p_host AND v.n <= p_to;

    IF gone <> 0 OR bad <> 0 THEN
        RAISE EXCEPTION 'the chain of % is broken: see log verify', p_host;
    END IF;

    SELECT * INTO e FROM procmgr.op_event WHERE host = p_host AND n = p_to;

    INSERT INTO procmgr.chain_archive (host, n, seq, hash, until)
        VALUES (p_host, p_to, e.seq, e.hash, p_until);

    PERFORM set_config('procmgr.archiving', pg_current_xact_id()::text, true);

    ops := ARRAY(SELECT v.op FROM procmgr.op_event v
                 WHERE v.host = p_host AND v.n <= p_to AND v.kind = 'intent');

    IF to_regclass('procmgr.op_series') IS NOT NULL THEN
        DELETE FROM procmgr.op_series s USING unnest(ops) AS g (seq)
            WHERE s.seq = g.seq;
    END IF;

    DELETE FROM procmgr.op_read r USING unnest(ops) AS g (seq)
        WHERE r.seq = g.seq;
    DELETE FROM procmgr.op_state s USING unnest(ops) AS g (seq)
        WHERE s.seq = g.seq;
    DELETE FROM procmgr.op_event v WHERE v.host = p_host AND v.n <= p_to;
    DELETE FROM procmgr.op o USING unnest(ops) AS g (seq)
        WHERE o.seq = g.seq;
    GET DIAGNOSTICS gone = ROW_COUNT;

    PERFORM set_config('procmgr.archiving', '', true);

    PERFORM procmgr.log_add(p_host, 'log_archived', NULL, p_actor, NULL, NULL,
        jsonb_build_object('to', p_to, 'until', procmgr.rfc3339(p_until),
                           'operations', gone,
                           'hash', encode(e.hash, 'hex')),
        'success', NULL, NULL);

    RETURN json_build_object('operations', gone);
END
$$;


-- for procmgrctl, which shows them in lines

CREATE FUNCTION procmgr.chain_heads() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(json_build_object('host', c.host, 'n', c.n,
        'seq', c.seq, 'hash', encode(c.hash, 'hex')) ORDER BY c.host),
        '[]')::text
    FROM procmgr.chain c
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.log_export(jsonb, text, bigint)
    TO procmgr_web, procmgr_audit;

GRANT EXECUTE ON FUNCTION
    procmgr.chain_heads(),
    procmgr.archive_check(json, text)
    TO procmgr_audit;

GRANT SELECT ON procmgr.chain_archive TO procmgr_audit;
