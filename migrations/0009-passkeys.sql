-- up

ALTER TABLE factors
  DROP CONSTRAINT factors_kind_check,
  ADD CONSTRAINT factors_kind_check CHECK (kind IN ('totp', 'passkey'));

-- `sign_count`: what the authenticator counted at its last use. Zero: it does not count.
CREATE TABLE passkeys (
  factor_id uuid PRIMARY KEY REFERENCES factors ON DELETE CASCADE,
  credential_id bytea NOT NULL UNIQUE CHECK (octet_length(credential_id) BETWEEN 16 AND 1023),
  public_key bytea NOT NULL,
  sign_count bigint NOT NULL CHECK (sign_count >= 0)
);

-- One use, one purpose. Without a session nobody has signed in yet.
CREATE TABLE passkey_challenges (
  challenge_hash bytea PRIMARY KEY CHECK (octet_length(challenge_hash) = 32),
  purpose text NOT NULL CHECK (purpose IN ('register', 'sign_in', 'reauthenticate')),
  session_id uuid REFERENCES sessions ON DELETE CASCADE,
  expires_at timestamptz(3) NOT NULL,
  CHECK ((purpose = 'sign_in') = (session_id IS NULL))
);
CREATE INDEX passkey_challenges_session_id ON passkey_challenges (session_id);
CREATE INDEX passkey_challenges_expires_at ON passkey_challenges (expires_at);

-- Whether a passkey stood for the password, too.
ALTER TABLE sessions ADD COLUMN by_passkey boolean NOT NULL DEFAULT false;

-- A key is never exchanged for another one.
GRANT SELECT, INSERT, UPDATE (sign_count) ON passkeys TO bulwark_app;
GRANT SELECT, INSERT, DELETE ON passkey_challenges TO bulwark_app;

-- down

ALTER TABLE sessions DROP COLUMN by_passkey;
DROP TABLE passkey_challenges, passkeys;
DELETE FROM factors WHERE kind = 'passkey';
ALTER TABLE factors
  DROP CONSTRAINT factors_kind_check,
  ADD CONSTRAINT factors_kind_check CHECK (kind IN ('totp'));
