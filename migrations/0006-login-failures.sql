-- up

-- Failures in a row to prove a password: one row an account and source, and one for all strangers.
CREATE TABLE login_failures (
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  failures integer NOT NULL DEFAULT 1,
  next_at timestamptz NOT NULL DEFAULT now(),
  forget_at timestamptz NOT NULL
);
CREATE INDEX login_failures_forget_at ON login_failures (forget_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON login_failures TO bulwark_app;

-- down

DROP TABLE login_failures;
