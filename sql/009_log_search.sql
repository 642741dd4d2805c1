-- The log stays quick at any size: no page of it looks at more than a bounded
-- number of rows, the badge counts to a bound, and who listens is told of
-- what is new.  What an action is sealed with names the head of the chain.

SET LOCAL ROLE procmgr_owner;


-- The newest positions of a page below p_before: `hits', at most p_rows, so
-- that one more than a page tells of another.  They come from the sparsest of
-- the filters, of which at most `most' rows are looked at: where these do not
-- fill the page, `more' is where to go on.
--
-- Planned for the filters that are given: the others fold away.  The joins go
-- from the few that are looked at to their rows, by key.  A time is turned
-- into positions first, which follow the clock but for the moments in which
-- two hosts write; an hour of grace covers these and a clock that was set
-- back.  OFFSET 0 keeps that hour from being looked for along all positions.

DROP FUNCTION procmgr.log_found(jsonb, int, bigint);

CREATE FUNCTION procmgr.log_found(p_filters jsonb, p_rows int,
    p_before bigint, OUT hits bigint[], OUT more bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off AS $$
DECLARE
    most      int := 2000;
    grace     interval := '1 hour';
    f_unread  boolean := (p_filters->>'unread')::boolean;
    f_type    text := p_filters->>'logType';
    f_status  text := p_filters->>'retStatus';
    f_actor   text := p_filters->>'actor';
    f_target  text := p_filters->>'target';
    f_host    text := p_filters->>'host';
    f_q       text := lower(nullif(p_filters->>'q', ''));
    f_since   timestamptz := (p_filters->>'since')::timestamptz;
    f_until   timestamptz := (p_filters->>'until')::timestamptz;
    lowest    bigint := 0;
    highest   bigint := coalesce(p_before - 1, 9223372036854775807);
    given     int := num_nonnulls(f_unread, f_type, f_status, f_actor,
                                  f_target, f_host);
    reach     bigint;
    furthest  bigint;
    leads     text := 'seq';
    looked    bigint[];
BEGIN
    IF f_status = 'pending' THEN
        f_status := 'running';
    END IF;

    IF f_since IS NOT NULL THEN
        lowest := coalesce(
            (SELECT min(h.seq) FROM (
                 SELECT o.seq FROM procmgr.op o
                 WHERE o.at >= f_since AND o.at < f_since + grace
                 OFFSET 0) h),
            (SELECT o.seq FROM procmgr.op o
             WHERE o.at >= f_since ORDER BY o.at LIMIT 1),
            9223372036854775807);
    END IF;

    IF f_until IS NOT NULL THEN
        highest := least(highest, coalesce(
            (SELECT max(h.seq) FROM (
                 SELECT o.seq FROM procmgr.op o
                 WHERE o.at < f_until AND o.at >= f_until - grace
                 OFFSET 0) h),
            (SELECT o.seq FROM procmgr.op o
             WHERE o.at < f_until ORDER BY o.at DESC LIMIT 1),
            0));
    END IF;

    -- how far back the bound reaches with each of them; 0 is to the end

    IF f_target IS NOT NULL THEN
        reach := coalesce((SELECT o.seq FROM procmgr.op o
            WHERE o.target = f_target AND o.seq BETWEEN lowest AND highest
            ORDER BY o.seq DESC OFFSET most LIMIT 1), 0);
        IF furthest IS NULL OR reach < furthest THEN
            furthest := reach;
            leads := 'target';
        END IF;
    END IF;

    IF f_actor IS NOT NULL AND furthest IS DISTINCT FROM 0 THEN
        reach := coalesce((SELECT o.seq FROM procmgr.op o
            WHERE o.actor = f_actor AND o.seq BETWEEN lowest AND highest
            ORDER BY o.seq DESC OFFSET most LIMIT 1), 0);
        IF furthest IS NULL OR reach < furthest THEN
            furthest := reach;
            leads := 'actor';
        END IF;
    END IF;

    IF f_status IS NOT NULL AND furthest IS DISTINCT FROM 0 THEN
        reach := coalesce((SELECT s.seq FROM procmgr.op_state s
            WHERE s.status = f_status AND s.seq BETWEEN lowest AND highest
            ORDER BY s.seq DESC OFFSET most LIMIT 1), 0);
        IF furthest IS NULL OR reach < furthest THEN
            furthest := reach;
            leads := 'status';
        END IF;
    END IF;

    IF f_unread IS NOT NULL AND furthest IS DISTINCT FROM 0 THEN
        reach := coalesce((SELECT s.seq FROM procmgr.op_state s
            WHERE (f_unread IS NOT TRUE OR s.unread)
              AND (f_unread IS NOT FALSE OR NOT s.unread)
              AND s.seq BETWEEN lowest AND highest
            ORDER BY s.seq DESC OFFSET most LIMIT 1), 0);
        IF furthest IS NULL OR reach < furthest THEN
            furthest := reach;
            leads := 'unread';
        END IF;
    END IF;

    IF f_type IS NOT NULL AND furthest IS DISTINCT FROM 0 THEN
        reach := coalesce((SELECT o.seq FROM procmgr.op o
            WHERE o.type = f_type AND o.seq BETWEEN lowest AND highest
            ORDER BY o.seq DESC OFFSET most LIMIT 1), 0);
        IF furthest IS NULL OR reach < furthest THEN
            furthest := reach;
            leads := 'type';
        END IF;
    END IF;

    IF f_host IS NOT NULL AND furthest IS DISTINCT FROM 0 THEN
        reach := coalesce((SELECT o.seq FROM procmgr.op o
            WHERE o.host = f_host AND o.seq BETWEEN lowest AND highest
            ORDER BY o.seq DESC OFFSET most LIMIT 1), 0);
        IF furthest IS NULL OR reach < furthest THEN
            furthest := reach;
            leads := 'host';
        END IF;
    END IF;

    -- a text is looked for in both tables; with one filter every row is a
    -- hit, but for those of the hour of grace

    IF f_q IS NOT NULL THEN
        most := most / 2;

    ELSIF given < 2 THEN
        most := p_rows + 1000;
    END IF;

    IF leads IN ('status', 'unread') THEN
        looked := ARRAY(
            SELECT s.seq FROM procmgr.op_state s
            WHERE s.seq BETWEEN lowest AND highest
              AND (leads <> 'status' OR s.status = f_status)
              AND (leads <> 'unread' OR f_unread IS NOT TRUE OR s.unread)
              AND (leads <> 'unread' OR f_unread IS NOT FALSE OR NOT s.unread)
            ORDER BY s.seq DESC LIMIT most);

    ELSE
        looked := ARRAY(
            SELECT o.seq FROM procmgr.op o
            WHERE o.seq BETWEEN lowest AND highest
              AND (leads <> 'target' OR o.target = f_target)
              AND (leads <> 'actor' OR o.actor = f_actor)
              AND (leads <> 'type' OR o.type = f_type)
              AND (leads <> 'host' OR o.host = f_host)
            ORDER BY o.seq DESC LIMIT most);
    END IF;

    hits := ARRAY(
        SELECT l.seq
        FROM unnest(looked) WITH ORDINALITY AS l (seq, i)
        LEFT JOIN procmgr.op o ON o.seq = l.seq
        LEFT JOIN procmgr.op_state s ON s.seq = l.seq
        WHERE (leads = 'unread' OR f_unread IS NULL OR s.unread = f_unread)
          AND (leads = 'type' OR f_type IS NULL OR o.type = f_type)
          AND (leads = 'status' OR f_status IS NULL OR s.status = f_status)
          AND (leads = 'actor' OR f_actor IS NULL OR o.actor = f_actor)
          AND (leads = 'target' OR f_target IS NULL OR o.target = f_target)
          AND (leads = 'host' OR f_host IS NULL OR o.host = f_host)
          AND (f_since IS NULL OR o.at >= f_since)
          AND (f_until IS NULL OR o.at < f_until)
          AND (f_q IS NULL OR strpos(lower(concat_ws(E'\n', o.type, o.target,
                   o.actor, o.remote, o.host, s.code, o.request::text)), f_q)
                   > 0)
        ORDER BY l.i
        LIMIT p_rows);

    IF cardinality(hits) < p_rows AND cardinality(looked) = most THEN
        more := looked[most];
    END IF;
END
$$;


-- without a search path of their own they become part of the statements that
-- call them, which takes a quarter of the time for each row

ALTER FUNCTION procmgr.rfc3339(timestamptz) RESET search_path;
ALTER FUNCTION procmgr.op_json_common(procmgr.op_row, int) RESET search_path;
ALTER FUNCTION procmgr.op_json(procmgr.op_row, int) RESET search_path;


-- the badge counts no further

CREATE FUNCTION procmgr.unread_count() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*)
    FROM (SELECT FROM procmgr.op_state WHERE unread LIMIT 10000) u
$$;


CREATE OR REPLACE FUNCTION procmgr.log_unread() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object('unread', procmgr.unread_count())::text
$$;


CREATE OR REPLACE FUNCTION procmgr.log_list(p_filters jsonb, p_limit int,
    p_before bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off AS $$
DECLARE
    n         int := least(greatest(coalesce(p_limit, 100), 1), 500);
    f         record;
    page      json;
BEGIN
    f := procmgr.log_found(p_filters, n + 1, p_before);

    SELECT json_agg(procmgr.op_json(r, 4096) ORDER BY r.seq DESC) INTO page
        FROM unnest(f.hits[1:n]) AS u (seq)
        JOIN procmgr.op_row r ON r.seq = u.seq;

    RETURN json_build_object(
        'rows', coalesce(page, '[]'),
        'next', CASE WHEN cardinality(f.hits) > n THEN f.hits[n]
                     ELSE f.more END,
        'unread', procmgr.unread_count());
END
$$;


CREATE OR REPLACE FUNCTION procmgr.log_export(p_filters jsonb, p_format text,
    p_before bigint) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    n      int := 500;
    most   int := 1048576;
    f      record;
    page   text;
    last   bigint;
BEGIN
    IF p_format NOT IN ('csv', 'jsonl') THEN
        RAISE EXCEPTION 'unknown format'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    f := procmgr.log_found(p_filters, n + 1, p_before);

    WITH sized AS (
        SELECT s.seq, sum(b.bytes) OVER (ORDER BY s.seq DESC) - b.bytes
                          AS before
        FROM unnest(f.hits[1:n]) AS u (seq)
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
        'next', CASE WHEN last > f.hits[cardinality(f.hits)] THEN last
                     ELSE f.more END);
END
$$;


-- A new row and rows that were read change the badge: who listens is told.

CREATE OR REPLACE FUNCTION procmgr.event_add(o procmgr.op, p_kind text,
    p_status text, p_code text, p_detail jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c procmgr.chain := procmgr.chain_lock(o.host);
    e procmgr.op_event;
BEGIN
    e.seq := CASE p_kind WHEN 'intent' THEN o.seq
                         ELSE nextval('procmgr.log_seq') END;
    e.op := o.seq;
    e.host := o.host;
    e.n := c.n + 1;
    e.at := clock_timestamp();
    e.kind := p_kind;
    e.status := p_status;
    e.code := p_code;
    e.detail := p_detail;
    e.hash := procmgr.event_hash(c.hash, e, o);

    INSERT INTO procmgr.op_event VALUES (e.*);

    UPDATE procmgr.chain SET n = e.n, seq = e.seq, hash = e.hash
        WHERE host = o.host;

    IF p_kind = 'intent' THEN
        INSERT INTO procmgr.op_state
            VALUES (o.seq, p_status, p_code, e.seq, true);
        PERFORM pg_notify('procmgr_unread', '');

    ELSE
        UPDATE procmgr.op_state
            SET status = p_status, code = p_code, event = e.seq
            WHERE seq = o.seq;
    END IF;
END
$$;


-- marks at most 50000 rows in one call: a statement has its deadline

CREATE OR REPLACE FUNCTION procmgr.log_read(p_by text, p_spec jsonb)
    RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    f_all   boolean := coalesce((p_spec->>'all')::boolean, false);
    f_upto  bigint := (p_spec->>'upto')::bigint;
    f_seqs  bigint[];
    marked  bigint;
BEGIN
    IF p_spec ? 'ids' THEN
        SELECT array_agg(o.seq) INTO f_seqs
            FROM jsonb_array_elements_text(p_spec->'ids') AS i (id)
            JOIN procmgr.op o ON o.op_id = i.id::uuid;
        f_seqs := coalesce(f_seqs, '{}');
    END IF;

    WITH chosen AS (
        SELECT s.seq FROM procmgr.op_state s
        WHERE s.unread
          AND (f_all OR s.seq <= f_upto OR s.seq = ANY (f_seqs))
        ORDER BY s.seq LIMIT 50000 FOR UPDATE
    ), gone AS (
        UPDATE procmgr.op_state s SET unread = false
        FROM chosen WHERE s.seq = chosen.seq AND s.unread
        RETURNING s.seq
    ), kept AS (
        INSERT INTO procmgr.op_read
        SELECT seq, p_by, clock_timestamp() FROM gone
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*) INTO marked FROM kept;

    IF marked > 0 THEN
        PERFORM pg_notify('procmgr_unread', '');
    END IF;

    RETURN json_build_object('read', marked,
                             'unread', procmgr.unread_count());
END
$$;


-- An operation belongs to the spool of the helper that is to act: two nginx
-- of one host name do not settle each other's.

ALTER TABLE procmgr.op_active ADD COLUMN spool text
    CHECK (octet_length(spool) <= 64);


DROP FUNCTION procmgr.op_intent(uuid, text, text, text, text, text, text,
                                jsonb, text, text, text);

CREATE FUNCTION procmgr.op_intent(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_idem text, p_idem_hash text, p_lock text DEFAULT NULL,
    p_spool text DEFAULT NULL) RETURNS text
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
        p_actor, p_role, p_remote, p_request, p_idem, p_idem_hash, p_lock);

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


-- the head of a chain as a word for places outside of the database

CREATE FUNCTION procmgr.chain_mark(c procmgr.chain) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.n || ':' || encode(c.hash, 'hex') || '@' || c.host
$$;


DROP FUNCTION procmgr.op_open(text);

CREATE FUNCTION procmgr.op_open(p_host text, p_spool text DEFAULT NULL)
    RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(procmgr.op_json(r, 1000000) ORDER BY r.seq),
                    '[]')::text
    FROM procmgr.op_row r
    LEFT JOIN procmgr.op_active a ON a.op_id = r.op_id
    WHERE r.status = 'running' AND r.host = p_host
      AND (a.spool IS NULL OR p_spool IS NULL OR a.spool = p_spool)
$$;


-- A mark that was kept elsewhere, against the chain as it is now: NULL when
-- it fits, or why not.  What was archived is known by its last hash only.

CREATE FUNCTION procmgr.chain_mark_check(p_host text, p_n bigint,
    p_hash text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN encode(coalesce(e.hash, a.hash), 'hex') = p_hash THEN NULL
        WHEN coalesce(e.hash, a.hash) IS NOT NULL
            THEN 'the hash of its row is another one'
        WHEN p_n <= (procmgr.chain_base(p_host)).n THEN NULL
        ELSE 'its row is missing' END
    FROM (SELECT) AS one
    LEFT JOIN procmgr.op_event e ON e.host = p_host AND e.n = p_n
    LEFT JOIN procmgr.chain_archive a ON a.host = p_host AND a.n = p_n
$$;


-- a mark of each host

CREATE FUNCTION procmgr.chain_marks(p_host text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT procmgr.chain_mark(c) FROM procmgr.chain c
    WHERE c.n > 0 AND (p_host IS NULL OR c.host = p_host) ORDER BY c.host
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.op_intent(uuid, text, text, text, text, text, text, jsonb, text,
                      text, text, text),
    procmgr.op_open(text, text)
    TO procmgr_web;

GRANT EXECUTE ON FUNCTION
    procmgr.chain_marks(text),
    procmgr.chain_mark_check(text, bigint, text)
    TO procmgr_audit;
