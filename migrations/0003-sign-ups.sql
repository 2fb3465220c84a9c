-- up

-- What somebody wants to sign up with. It is nobody's account until a mail's link and this very password
-- come back together. Rows stay to their end, whatever becomes of them: their absence would tell.
CREATE TABLE sign_ups (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  display_name text NOT NULL CHECK (char_length(display_name) <= 100),
  password_hash text NOT NULL,
  token_hash bytea UNIQUE CHECK (octet_length(token_hash) = 32),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX sign_ups_email ON sign_ups (email, created_at);
CREATE INDEX sign_ups_expires_at ON sign_ups (expires_at);

GRANT SELECT, INSERT, DELETE ON sign_ups TO bulwark_app;
GRANT UPDATE (token_hash) ON sign_ups TO bulwark_app;

-- down

DROP TABLE sign_ups;
