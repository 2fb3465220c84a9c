-- up

-- An administrator invites an address; who reads the mail makes the account. One invitation an address.
CREATE TABLE invitations (
  email text PRIMARY KEY CHECK (char_length(email) BETWEEN 3 AND 254),
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX invitations_expires_at ON invitations (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO bulwark_app;

-- down

DROP TABLE invitations;
