-- up

-- The group whose members may read and write rows. Logins are made by `npm run migrate`.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bulwark_app') THEN
    CREATE ROLE bulwark_app NOLOGIN;
  END IF;
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO bulwark_app;
GRANT SELECT ON migrations TO bulwark_app;

-- Times have milliseconds, as JavaScript's have: a cursor must point at exactly one place.
CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  display_name text NOT NULL CHECK (char_length(display_name) <= 100),
  password_hash text NOT NULL,
  role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
  disabled_at timestamptz(3),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT users_email_key UNIQUE (email)
);
CREATE INDEX users_created_at ON users (created_at, id);
CREATE INDEX users_admins ON users (id) WHERE role = 'admin';

-- One row a sign-in. Its refresh tokens are its family.
CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL,
  revoked_at timestamptz(3)
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- Spent tokens stay, so that their return can be told from a guess.
CREATE TABLE refresh_tokens (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  used_at timestamptz(3)
);
CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);

-- Sessions whose access tokens may still be unexpired. Kept apart, so that it outlives deletion.
CREATE TABLE session_revocations (
  session_id uuid PRIMARY KEY,
  revoked_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX session_revocations_revoked_at ON session_revocations (revoked_at);

-- However a session ends, every instance hears of it when the transaction commits (ASVS 7.4.1).
CREATE FUNCTION announce_session_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO session_revocations (session_id) VALUES (OLD.id) ON CONFLICT DO NOTHING;
  PERFORM pg_notify('session_revoked', OLD.id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER session_revoked AFTER UPDATE OF revoked_at ON sessions
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
  EXECUTE FUNCTION announce_session_end();
CREATE TRIGGER session_deleted AFTER DELETE ON sessions
  FOR EACH ROW WHEN (OLD.revoked_at IS NULL) EXECUTE FUNCTION announce_session_end();

-- A change of what a user may do ends what was granted before, whoever made the change (ASVS 7.4.2).
CREATE FUNCTION end_sessions_of_changed_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE sessions SET revoked_at = now() WHERE user_id = NEW.id AND revoked_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER user_authority_changed AFTER UPDATE OF role, disabled_at ON users
  FOR EACH ROW WHEN (OLD.role <> NEW.role OR OLD.disabled_at IS DISTINCT FROM NEW.disabled_at)
  EXECUTE FUNCTION end_sessions_of_changed_user();

-- Counters that hold across instances and restarts: one row a key, whatever the number of attempts.
CREATE TABLE throttles (
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  whole_at timestamptz NOT NULL
);
CREATE INDEX throttles_whole_at ON throttles (whole_at);

CREATE TABLE resources (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  title text NOT NULL CHECK (char_length(title) <= 200),
  content text NOT NULL CHECK (char_length(content) <= 20000),
  labels text[] NOT NULL DEFAULT '{}' CHECK (cardinality(labels) <= 20),
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX resources_by_created_at ON resources (owner_id, created_at, id);
CREATE INDEX resources_by_updated_at ON resources (owner_id, updated_at, id);
CREATE INDEX resources_by_title ON resources (owner_id, title COLLATE "C", id);

CREATE TABLE resource_shares (
  resource_id uuid NOT NULL REFERENCES resources ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  permission text NOT NULL CHECK (permission IN ('read', 'write')),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (resource_id, user_id)
);
CREATE INDEX resource_shares_of_user ON resource_shares (user_id, created_at, resource_id);

CREATE TABLE idempotency_keys (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  key text NOT NULL CHECK (char_length(key) <= 64),
  request_hash bytea NOT NULL,
  resource_id uuid REFERENCES resources ON DELETE SET NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_resource_id ON idempotency_keys (resource_id);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON
  users, sessions, refresh_tokens, throttles, resources, resource_shares, idempotency_keys
  TO bulwark_app;
GRANT SELECT, INSERT, DELETE ON session_revocations TO bulwark_app;

-- down

DROP TABLE idempotency_keys, resource_shares, resources, throttles, session_revocations,
  refresh_tokens, sessions, users;
DROP FUNCTION announce_session_end, end_sessions_of_changed_user;
REVOKE SELECT ON migrations FROM bulwark_app;
REVOKE USAGE ON SCHEMA public FROM bulwark_app;
