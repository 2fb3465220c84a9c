-- up

-- What a person recognizes a session by. Nothing of what the client wrote, and of the address only the
-- network: who reads a copy of this table learns where nobody lives.
ALTER TABLE sessions
  ADD device text NOT NULL DEFAULT 'Unknown device' CHECK (char_length(device) <= 60),
  ADD network cidr;

DROP INDEX sessions_user_id;
CREATE INDEX sessions_by_created_at ON sessions (user_id, created_at, id);
-- The newest token of a session tells when it was last used.
DROP INDEX refresh_tokens_session_id;
CREATE INDEX refresh_tokens_by_created_at ON refresh_tokens (session_id, created_at);

-- down

DROP INDEX refresh_tokens_by_created_at;
CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
DROP INDEX sessions_by_created_at;
CREATE INDEX sessions_user_id ON sessions (user_id);
ALTER TABLE sessions DROP device, DROP network;
