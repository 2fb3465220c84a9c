-- up

-- What a mail's link proves: that whoever opens it can read the mail. One purpose, one use, an end.
CREATE TABLE mail_links (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  purpose text NOT NULL CHECK (purpose IN ('reset_password')),
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX mail_links_user_id ON mail_links (user_id, purpose);
CREATE INDEX mail_links_expires_at ON mail_links (expires_at);

GRANT SELECT, INSERT, DELETE ON mail_links TO bulwark_app;

-- down

DROP TABLE mail_links;
