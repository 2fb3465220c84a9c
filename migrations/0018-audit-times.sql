-- up

-- When a link was made is part of it: whoever has events sealed late, or anew, cannot hide it. The links from
-- before have none, and their macs say so.
ALTER TABLE audit_chain ADD sealed_at timestamptz(3);

-- Nobody who runs SQL as the app writes history, or what comes first in every list.
CREATE POLICY about_now ON audit_events AS RESTRICTIVE FOR INSERT
  WITH CHECK (recorded_at BETWEEN now() - interval '1 hour' AND now() + interval '1 hour');
ALTER TABLE audit_events ADD CHECK (isfinite(recorded_at));

-- down

DO $$ BEGIN
  IF EXISTS (SELECT FROM audit_events) THEN
    RAISE EXCEPTION 'the audit log has events: without the times of its links it would not verify';
  END IF;
END $$;
ALTER TABLE audit_chain DROP sealed_at;
DROP POLICY about_now ON audit_events;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_recorded_at_check;
