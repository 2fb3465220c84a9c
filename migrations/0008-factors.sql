-- up

-- When the session last proved its credentials, and whether a second factor was among them.
ALTER TABLE sessions
  ADD COLUMN authenticated_at timestamptz(3) NOT NULL DEFAULT now(),
  ADD COLUMN second_factor boolean NOT NULL DEFAULT false;
UPDATE sessions SET authenticated_at = created_at;

-- What signing in asks besides the password stands in the row that signing in locks. A password that
-- is good enough only beside a second factor cannot be left alone (NIST SP 800-63B-4 §3.1.1.2).
ALTER TABLE users
  ADD COLUMN has_second_factor boolean NOT NULL DEFAULT false,
  ADD COLUMN password_is_short boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT users_short_password_has_factor CHECK (has_second_factor OR NOT password_is_short);

-- One row a factor, whatever its kind; what the kind needs is in a table of its own.
CREATE TABLE factors (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('totp')),
  name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  confirmed_at timestamptz(3)
);
CREATE INDEX factors_user_id ON factors (user_id);
CREATE INDEX factors_unconfirmed ON factors (created_at) WHERE confirmed_at IS NULL;

-- The secret is sealed by the app (src/crypto). `last_step`: a code of this step or before was used.
CREATE TABLE totp_secrets (
  factor_id uuid PRIMARY KEY REFERENCES factors ON DELETE CASCADE,
  secret_sealed bytea NOT NULL,
  last_step bigint NOT NULL DEFAULT 0
);

CREATE TABLE recovery_codes (
  code_hash bytea PRIMARY KEY CHECK (octet_length(code_hash) = 32),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE
);
CREATE INDEX recovery_codes_user_id ON recovery_codes (user_id);

-- The password was right, the second factor is asked for. Good for the password that was checked.
CREATE TABLE second_factor_challenges (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  password_digest bytea NOT NULL CHECK (octet_length(password_digest) = 32),
  attempts_left smallint NOT NULL CHECK (attempts_left >= 0),
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX second_factor_challenges_user_id ON second_factor_challenges (user_id);
CREATE INDEX second_factor_challenges_expires_at ON second_factor_challenges (expires_at);

-- Whoever changes a factor, the user's row knows. Lock that row first: changes come one after another.
CREATE FUNCTION note_second_factor() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE owner uuid := coalesce(NEW.user_id, OLD.user_id);
BEGIN
  UPDATE users SET has_second_factor = EXISTS (
    SELECT FROM factors WHERE user_id = owner AND confirmed_at IS NOT NULL)
  WHERE id = owner;
  RETURN NULL;
END $$;
CREATE TRIGGER factor_changed AFTER INSERT OR UPDATE OR DELETE ON factors
  FOR EACH ROW EXECUTE FUNCTION note_second_factor();

GRANT SELECT, INSERT, UPDATE, DELETE ON factors, second_factor_challenges TO bulwark_app;
GRANT SELECT, INSERT, UPDATE ON totp_secrets TO bulwark_app;
GRANT SELECT, INSERT, DELETE ON recovery_codes TO bulwark_app;

-- down

DROP TABLE second_factor_challenges, recovery_codes, totp_secrets, factors;
DROP FUNCTION note_second_factor;
ALTER TABLE users
  DROP CONSTRAINT users_short_password_has_factor,
  DROP COLUMN has_second_factor,
  DROP COLUMN password_is_short;
ALTER TABLE sessions DROP COLUMN authenticated_at, DROP COLUMN second_factor;
