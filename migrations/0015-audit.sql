-- up

-- Who did what to whom, from where, and with what outcome. Ids without foreign keys: the log outlives the
-- account. Nothing here is a secret or an e-mail address; every column has a form and a bound, so that no
-- text of an attacker's gets in. `mac` is the app's: whoever has only the database cannot write an event.
CREATE TABLE audit_events (
  id uuid NOT NULL,
  recorded_at timestamptz(3) NOT NULL,
  event text NOT NULL CHECK (event ~ '^[a-z_]{3,40}$'),
  outcome text NOT NULL CHECK (outcome IN ('success', 'failure')),
  actor_id uuid,
  user_id uuid,
  object_kind text CHECK (object_kind ~ '^[a-z_]{3,20}$'),
  object_id uuid,
  ip inet,
  request_id text CHECK (request_id ~ '^[0-9a-f]{32}$'),
  facts jsonb NOT NULL CHECK (jsonb_typeof(facts) = 'object' AND octet_length(facts::text) <= 1000),
  mac bytea NOT NULL CHECK (octet_length(mac) = 32),
  PRIMARY KEY (recorded_at, id),
  CHECK ((object_kind IS NULL) = (object_id IS NULL))
) PARTITION BY RANGE (recorded_at);
CREATE INDEX audit_events_of_user ON audit_events (user_id, recorded_at, id);
CREATE INDEX audit_events_of_actor ON audit_events (actor_id, recorded_at, id);
CREATE INDEX audit_events_of_kind ON audit_events (event, recorded_at, id);
CREATE INDEX audit_events_of_source ON audit_events (ip, recorded_at, id);
CREATE INDEX audit_events_of_outcome ON audit_events (outcome, recorded_at, id);

-- No event fails for want of a partition: it waits here for one.
CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;

-- Everybody reads his own, and writes what he did. Whoever asks a partition directly is held up there, too.
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_read ON audit_events FOR SELECT USING (user_id = (SELECT actor_id()));
CREATE POLICY added ON audit_events FOR INSERT WITH CHECK (true);
CREATE POLICY systems ON audit_events USING ((SELECT acts_as_system()));
ALTER TABLE audit_events_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY systems ON audit_events_default USING ((SELECT acts_as_system()));

-- What the sealer has still to do. In the transaction of the event: what commits late is not missed.
CREATE TABLE audit_unsealed (
  recorded_at timestamptz(3) NOT NULL,
  event_id uuid NOT NULL,
  PRIMARY KEY (recorded_at, event_id)
);

-- Each link is keyed, and covers the one before it and its own number.
CREATE TABLE audit_chain (
  seq bigint PRIMARY KEY CHECK (seq > 0),
  event_id uuid NOT NULL UNIQUE,
  recorded_at timestamptz(3) NOT NULL,
  event_mac bytea NOT NULL CHECK (octet_length(event_mac) = 32),
  mac bytea NOT NULL CHECK (octet_length(mac) = 32)
);

-- Signed statements of how far the chain went. Those of a retention say where it begins since then.
CREATE TABLE audit_checkpoints (
  seq bigint NOT NULL CHECK (seq >= 0),
  is_anchor boolean NOT NULL DEFAULT false,
  statement text NOT NULL CHECK (char_length(statement) <= 1000),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (seq, is_anchor)
);

-- A month each, from this one on. What waits in the default partition moves to its own.
CREATE FUNCTION audit_make_partitions(months_ahead integer DEFAULT 3) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first timestamptz;
  after timestamptz;
  name text;
BEGIN
  FOR n IN 0..months_ahead LOOP
    first := (date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month') AT TIME ZONE 'UTC';
    after := (first AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
    name := 'audit_events_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
    CONTINUE WHEN to_regclass(format('public.%I', name)) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I (LIKE audit_events INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY systems ON %I USING ((SELECT acts_as_system()))', name);
    EXECUTE format($sql$WITH moved AS (
      DELETE FROM audit_events_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *)
      INSERT INTO %I SELECT * FROM moved$sql$, first, after, name);
    EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      name, first, after);
  END LOOP;
END $$;

-- The months that ended before a day. The retention signs beforehand what goes.
CREATE FUNCTION audit_drop_partitions(before timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = 'audit_events'::regclass AND relname ~ '^audit_events_\d{4}_\d{2}$'
      AND (to_date(right(relname, 7), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= before
  LOOP
    EXECUTE format('DROP TABLE %I', name);
  END LOOP;
  DELETE FROM audit_events_default WHERE recorded_at < before;
END $$;

REVOKE EXECUTE ON FUNCTION audit_make_partitions, audit_drop_partitions FROM PUBLIC;
SELECT audit_make_partitions();

-- Adding and reading, and nothing else: not even the app takes back what it has written.
GRANT SELECT, INSERT ON audit_events, audit_chain, audit_checkpoints TO bulwark_app;
GRANT SELECT, INSERT, DELETE ON audit_unsealed TO bulwark_app;

-- down

-- What happened is not forgotten by a step back that somebody takes for something else.
DO $$
BEGIN
  IF EXISTS (SELECT FROM audit_events) THEN
    RAISE EXCEPTION 'the audit log has events: this migration goes back where there are none';
  END IF;
END $$;

DROP FUNCTION audit_make_partitions, audit_drop_partitions;
DROP TABLE audit_checkpoints, audit_chain, audit_unsealed, audit_events;
