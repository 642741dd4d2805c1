-- The operation log: what was asked, by whom, and what became of it.
--
-- An operation is a row of op, never changed.  What happens to it are rows of
-- op_event, only ever added: intent, then outcome, then perhaps resolved.
-- The events of a host are a chain of hashes.  op_state is a projection of
-- the events for lists and the badge; op_read says who saw what.
--
-- Order of locks: the chain of the host first, then all the rest.

SET LOCAL ROLE procmgr_owner;


-- positions of events; an operation has that of its intent
CREATE SEQUENCE procmgr.log_seq;

CREATE TABLE procmgr.chain (
    host       text PRIMARY KEY CHECK (octet_length(host) BETWEEN 1 AND 255),
    n          bigint NOT NULL,
    seq        bigint NOT NULL,
    hash       bytea NOT NULL
);

CREATE TABLE procmgr.op (
    seq        bigint PRIMARY KEY,
    op_id      uuid NOT NULL UNIQUE,
    host       text NOT NULL REFERENCES procmgr.chain,
    at         timestamptz NOT NULL,
    type       text NOT NULL CHECK (type ~ '^[a-z][a-z_]{0,62}$'),
    target     text CHECK (octet_length(target) <= 1024),
    actor      text CHECK (octet_length(actor) <= 255),
    role       text CHECK (octet_length(role) <= 64),
    remote     text CHECK (octet_length(remote) <= 255),
    request    jsonb,
    idem       text CHECK (octet_length(idem) <= 255),
    idem_hash  text CHECK (octet_length(idem_hash) <= 255),
    CHECK (idem IS NULL OR actor IS NOT NULL)
);

CREATE UNIQUE INDEX op_idem ON procmgr.op (actor, idem)
    WHERE idem IS NOT NULL;
CREATE INDEX op_host ON procmgr.op (host, seq);
CREATE INDEX op_type ON procmgr.op (type, seq);
CREATE INDEX op_target ON procmgr.op (target, seq);
CREATE INDEX op_actor ON procmgr.op (actor, seq);
CREATE INDEX op_at ON procmgr.op (at);

CREATE TABLE procmgr.op_event (
    seq        bigint PRIMARY KEY,
    op         bigint NOT NULL REFERENCES procmgr.op,
    host       text NOT NULL,
    n          bigint NOT NULL,
    at         timestamptz NOT NULL,
    kind       text NOT NULL
               CHECK (kind IN ('intent', 'outcome', 'resolved')),
    status     text NOT NULL
               CHECK (status IN ('running', 'success', 'failure', 'refused',
                                 'unknown')),
    code       text CHECK (octet_length(code) <= 64),
    detail     jsonb,
    hash       bytea NOT NULL,
    UNIQUE (host, n),
    CHECK ((kind = 'intent') = (status = 'running'))
);

CREATE INDEX op_event_op ON procmgr.op_event (op, seq);

CREATE TABLE procmgr.op_state (
    seq        bigint PRIMARY KEY REFERENCES procmgr.op,
    status     text NOT NULL,
    code       text,
    event      bigint NOT NULL REFERENCES procmgr.op_event,
    unread     boolean NOT NULL
);

CREATE INDEX op_state_status ON procmgr.op_state (status, seq);
CREATE INDEX op_state_unread ON procmgr.op_state (seq) WHERE unread;

CREATE TABLE procmgr.op_read (
    seq        bigint PRIMARY KEY REFERENCES procmgr.op,
    by         text NOT NULL CHECK (octet_length(by) <= 255),
    at         timestamptz NOT NULL
);

-- one running operation per target
CREATE TABLE procmgr.op_active (
    host       text NOT NULL,
    target     text NOT NULL,
    seq        bigint NOT NULL,
    op_id      uuid NOT NULL,
    PRIMARY KEY (host, target)
);


CREATE FUNCTION procmgr.deny_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON procmgr.op EXECUTE FUNCTION procmgr.deny_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON procmgr.op_event EXECUTE FUNCTION procmgr.deny_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE
    ON procmgr.op_read EXECUTE FUNCTION procmgr.deny_change();


CREATE FUNCTION procmgr.rfc3339(t timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;


-- each part as its length in bytes, a colon, its bytes and a comma; NULL as
-- "-,": no two lists of parts give the same text

CREATE FUNCTION procmgr.canonical(VARIADIC parts text[]) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(coalesce(octet_length(p) || ':' || p, '-') || ',', ''
                      ORDER BY i)
    FROM unnest(parts) WITH ORDINALITY AS u (p, i)
$$;


-- what the hash of an event covers: the hash before it, all of itself and
-- all of its operation

CREATE FUNCTION procmgr.event_hash(before bytea, e procmgr.op_event,
    o procmgr.op) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(before || convert_to(procmgr.canonical(
        'procmgr-1', e.host, e.n::text, e.seq::text,
        to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        e.kind, e.status, e.code, e.detail::text,
        o.seq::text, o.op_id::text, o.host,
        to_char(o.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        o.type, o.target, o.actor, o.role, o.remote, o.request::text,
        o.idem, o.idem_hash), 'UTF8'))
$$;


-- the head of a host's chain, locked until the end of the transaction; what
-- was acknowledged after this is on disk

CREATE FUNCTION procmgr.chain_lock(p_host text) RETURNS procmgr.chain
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c procmgr.chain;
BEGIN
    IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;

    SELECT * INTO c FROM procmgr.chain WHERE host = p_host FOR UPDATE;

    IF NOT FOUND THEN
        INSERT INTO procmgr.chain VALUES (p_host, 0, 0, '')
            ON CONFLICT DO NOTHING;
        SELECT * INTO c FROM procmgr.chain WHERE host = p_host FOR UPDATE;
    END IF;

    RETURN c;
END
$$;


CREATE FUNCTION procmgr.event_add(o procmgr.op, p_kind text, p_status text,
    p_code text, p_detail jsonb) RETURNS void
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

    INSERT INTO procmgr.op_state VALUES (o.seq, p_status, p_code, e.seq, true)
        ON CONFLICT (seq) DO UPDATE
        SET status = excluded.status, code = excluded.code,
            event = excluded.event;
END
$$;


-- an operation as the page and the API show it

CREATE VIEW procmgr.op_row AS
    SELECT o.*, s.status, s.code, s.unread, e.detail, e.at AS event_at
    FROM procmgr.op o
    JOIN procmgr.op_state s ON s.seq = o.seq
    JOIN procmgr.op_event e ON e.seq = s.event;


-- outputs longer than `cut' characters are cut, which is told

CREATE FUNCTION procmgr.op_json(r procmgr.op_row, cut int) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object(
        'seq', r.seq,
        'op_id', r.op_id,
        'host', r.host,
        'logTime', procmgr.rfc3339(r.at),
        'logType', r.type,
        'target', r.target,
        'actor', r.actor,
        'role', r.role,
        'remote', r.remote,
        'retStatus', r.status,
        'logStatus', CASE WHEN r.unread THEN 'unread' ELSE 'read' END,
        'state', CASE r.status WHEN 'running' THEN 'running' ELSE 'done' END,
        'code', r.code,
        'request', r.request,
        'argv', r.detail->'argv',
        'exit_code', r.detail->'exit_code',
        'signal', r.detail->'signal',
        'stdout', left(r.detail->>'stdout', cut),
        'stderr', left(r.detail->>'stderr', cut),
        'truncated', CASE WHEN length(r.detail->>'stdout') > cut
                               OR length(r.detail->>'stderr') > cut
                          THEN 'true' ELSE r.detail->'truncated' END,
        'before', r.detail->'before',
        'after', r.detail->'after',
        'duration_ms', r.detail->'duration_ms',
        'usage', r.detail->'usage',
        'reason', r.detail->'reason',
        'is_exec', CASE WHEN r.status NOT IN ('running', 'unknown')
                        THEN r.status = 'success' END,
        'cmdret', left(CASE WHEN r.status = 'success' THEN r.detail->>'stdout'
                       ELSE coalesce(nullif(r.detail->>'stderr', ''),
                                     r.detail->>'reason') END, cut),
        'retopt', 'Unkown')
$$;


CREATE FUNCTION procmgr.op_json_of(p_op_id uuid) RETURNS json
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT procmgr.op_json(r, 1000000) FROM procmgr.op_row r
    WHERE r.op_id = p_op_id
$$;


-- adds the operation and its intent; NULL when a key of it is taken

CREATE FUNCTION procmgr.op_add(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_idem text, p_idem_hash text) RETURNS procmgr.op
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
BEGIN
    PERFORM procmgr.chain_lock(p_host);

    INSERT INTO procmgr.op
        VALUES (nextval('procmgr.log_seq'), p_op_id, p_host,
                clock_timestamp(), p_type, p_target, p_actor, p_role,
                p_remote, p_request, p_idem, p_idem_hash)
        ON CONFLICT DO NOTHING
        RETURNING * INTO o;

    IF FOUND THEN
        PERFORM procmgr.event_add(o, 'intent', 'running', NULL, NULL);
    END IF;

    RETURN o;
END
$$;


CREATE FUNCTION procmgr.op_intent(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_idem text, p_idem_hash text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
    a procmgr.op_active;
    r procmgr.op_row;
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

        SELECT * INTO a FROM procmgr.op_active
            WHERE host = p_host AND target = p_target;

        IF FOUND THEN
            RETURN json_build_object('status', 'busy', 'op_id', a.op_id);
        END IF;

        o := procmgr.op_add(p_op_id, p_host, p_type, p_target, p_actor,
                            p_role, p_remote, p_request, p_idem, p_idem_hash);

        -- a key was taken meanwhile, through the chain of another host
        CONTINUE WHEN o.seq IS NULL;

        INSERT INTO procmgr.op_active
            VALUES (p_host, p_target, o.seq, p_op_id);

        RETURN json_build_object('status', 'ok', 'seq', o.seq);
    END LOOP;
END
$$;


-- the end of an operation; a later look may turn "unknown" into what it was

CREATE FUNCTION procmgr.op_outcome(p_op_id uuid, p_status text, p_code text,
    p_result jsonb) RETURNS text
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

    DELETE FROM procmgr.op_active
        WHERE host = o.host AND target = o.target AND op_id = p_op_id;

    RETURN json_build_object('status', 'ok',
                             'op', procmgr.op_json_of(p_op_id));
END
$$;


CREATE FUNCTION procmgr.op_refuse(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb,
    p_code text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
BEGIN
    o := procmgr.op_add(p_op_id, p_host, p_type, p_target, p_actor, p_role,
                        p_remote, p_request, NULL, NULL);

    IF o.seq IS NOT NULL THEN
        PERFORM procmgr.event_add(o, 'outcome', 'refused', p_code,
                                  jsonb_build_object('reason', p_reason));
    END IF;

    RETURN json_build_object('op', procmgr.op_json_of(p_op_id));
END
$$;


-- The caller knows that nothing was and will be executed: an intent that is
-- there is settled, one that comes later meets the taken key.

CREATE FUNCTION procmgr.op_not_started(p_op_id uuid, p_host text, p_type text,
    p_target text, p_actor text, p_role text, p_remote text, p_request jsonb)
    RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM procmgr.op_add(p_op_id, p_host, p_type, p_target, p_actor, p_role,
                           p_remote, p_request, NULL, NULL);

    RETURN procmgr.op_outcome(p_op_id, 'failure', 'not_started',
        jsonb_build_object('reason', 'it was not started'));
END
$$;


-- one row that is complete at once: logins, alerts

CREATE FUNCTION procmgr.log_add(p_host text, p_type text, p_target text,
    p_actor text, p_role text, p_remote text, p_request jsonb, p_status text,
    p_code text, p_detail jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o procmgr.op;
BEGIN
    o := procmgr.op_add(gen_random_uuid(), p_host, p_type, p_target, p_actor,
                        p_role, p_remote, p_request, NULL, NULL);
    PERFORM procmgr.event_add(o, 'outcome', p_status, p_code, p_detail);

    RETURN o.seq;
END
$$;


CREATE FUNCTION procmgr.op_open(p_host text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(json_agg(procmgr.op_json(r, 1000000) ORDER BY r.seq),
                    '[]')::text
    FROM procmgr.op_row r
    WHERE r.status = 'running' AND r.host = p_host
$$;


CREATE FUNCTION procmgr.log_unread() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT json_build_object('unread', count(*))::text
    FROM procmgr.op_state WHERE unread
$$;


-- Newest first.  Planned for the filters that are given: the others fold
-- away, and what is left has an index each.  A time is turned into positions
-- first, which follow the clock but for the moments in which two hosts write;
-- an hour of grace covers these and a clock that was set back.

CREATE FUNCTION procmgr.log_list(p_filters jsonb, p_limit int, p_before bigint)
    RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan AS $$
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
    n         int := least(greatest(coalesce(p_limit, 100), 1), 500);
    grace     interval := '1 hour';
    lowest    bigint;
    highest   bigint;
    page      json;
    rows      int;
    last      bigint;
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

    WITH found AS MATERIALIZED (
        SELECT o.seq
        FROM procmgr.op o
        JOIN procmgr.op_state s ON s.seq = o.seq
        WHERE (p_before IS NULL OR o.seq < p_before)
          AND (lowest IS NULL OR o.seq >= lowest)
          AND (highest IS NULL OR o.seq <= highest)
          AND (f_unread IS NULL OR s.unread = f_unread)
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
        LIMIT n + 1
    ), numbered AS (
        SELECT seq, row_number() OVER (ORDER BY seq DESC) AS i FROM found
    )
    SELECT count(*), min(r.seq) FILTER (WHERE i <= n),
           json_agg(procmgr.op_json(r, 4096) ORDER BY i) FILTER (WHERE i <= n)
        INTO rows, last, page
        FROM numbered
        JOIN procmgr.op_row r ON r.seq = numbered.seq;

    RETURN json_build_object(
        'rows', coalesce(page, '[]'),
        'next', CASE WHEN rows > n THEN last END,
        'unread', (SELECT count(*) FROM procmgr.op_state WHERE unread));
END
$$;


CREATE FUNCTION procmgr.log_get(p_op_id uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT (procmgr.op_json(r, 1000000)::jsonb || jsonb_build_object('events',
        (SELECT jsonb_agg(jsonb_build_object(
             'seq', e.seq, 'n', e.n, 'at', procmgr.rfc3339(e.at),
             'kind', e.kind, 'status', e.status, 'code', e.code,
             'hash', encode(e.hash, 'hex')) ORDER BY e.seq)
         FROM procmgr.op_event e WHERE e.op = r.seq)))::text
    FROM procmgr.op_row r WHERE r.op_id = p_op_id
$$;


-- marks at most 50000 rows in one call: a statement has its deadline

CREATE FUNCTION procmgr.log_read(p_by text, p_spec jsonb) RETURNS text
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

    RETURN json_build_object('read', marked,
        'unread', (SELECT count(*) FROM procmgr.op_state WHERE unread));
END
$$;


-- Looks at `p_limit' events from `p_from' on and names the first bad row.
-- One statement, one snapshot: what is added meanwhile does not disturb.

CREATE FUNCTION procmgr.log_verify(p_host text, p_from bigint, p_limit int)
    RETURNS text
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

    WITH looked AS (
        SELECT e.seq, o.op_id,
            CASE WHEN o.seq IS NULL THEN 'its operation is missing'
                 WHEN e.n > 1 AND b.seq IS NULL
                     THEN 'the event before it is missing'
                 WHEN b.seq > e.seq THEN 'it is out of order'
                 WHEN e.hash <> procmgr.event_hash(coalesce(b.hash, ''), e, o)
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
        WHERE to_seq IS NULL AND (p_host IS NULL OR c.host = p_host)
          AND c.n > 0
          AND (e.seq IS DISTINCT FROM c.seq OR e.hash IS DISTINCT FROM c.hash)
    )
    SELECT json_build_object('seq', seq, 'op_id', op_id, 'reason', reason)
        INTO bad FROM looked WHERE reason IS NOT NULL ORDER BY seq LIMIT 1;

    RETURN json_build_object('ok', bad IS NULL, 'checked', checked,
                             'next', to_seq + 1, 'bad', bad);
END
$$;


GRANT EXECUTE ON FUNCTION
    procmgr.op_intent(uuid, text, text, text, text, text, text, jsonb, text,
                      text),
    procmgr.op_outcome(uuid, text, text, jsonb),
    procmgr.op_refuse(uuid, text, text, text, text, text, text, jsonb, text,
                      text),
    procmgr.op_not_started(uuid, text, text, text, text, text, text, jsonb),
    procmgr.op_open(text),
    procmgr.log_read(text, jsonb)
    TO procmgr_web;

GRANT EXECUTE ON FUNCTION
    procmgr.log_list(jsonb, int, bigint),
    procmgr.log_get(uuid),
    procmgr.log_unread(),
    procmgr.log_verify(text, bigint, int)
    TO procmgr_web, procmgr_audit;

GRANT SELECT ON procmgr.chain, procmgr.op, procmgr.op_event, procmgr.op_state,
    procmgr.op_read, procmgr.op_active TO procmgr_audit;
