-- up

-- The keys that seal what others must not read, wrapped by a key that the database never sees. A schema of
-- their own: a dump of the data without it (`pg_dump --exclude-schema=keys`) holds no key, and the keys are
-- kept in a backup of their own for as short a time as possible. Who leaves takes the key along.
CREATE SCHEMA keys;
REVOKE ALL ON SCHEMA keys FROM PUBLIC;
GRANT USAGE ON SCHEMA keys TO bulwark_app;

-- `owner_id` NULL: the app's own key, for what is nobody's yet.
CREATE TABLE keys.data_keys (
  id uuid PRIMARY KEY,
  owner_id uuid REFERENCES users ON DELETE CASCADE,
  wrapped bytea NOT NULL CHECK (octet_length(wrapped) BETWEEN 32 AND 4096),
  kek text NOT NULL CHECK (char_length(kek) <= 256),
  created_at timestamptz NOT NULL DEFAULT now(),
  retired_at timestamptz
);
-- One key seals for an owner: of any number that are made at once, the index lets in one.
CREATE UNIQUE INDEX data_keys_current ON keys.data_keys (owner_id) NULLS NOT DISTINCT
  WHERE retired_at IS NULL;
CREATE INDEX data_keys_owner_id ON keys.data_keys (owner_id);
CREATE INDEX data_keys_retired ON keys.data_keys (id) WHERE retired_at IS NOT NULL;
CREATE INDEX data_keys_kek ON keys.data_keys (kek, id);
GRANT SELECT, INSERT, DELETE, UPDATE (wrapped, kek, retired_at) ON keys.data_keys TO bulwark_app;
-- Whose key it is asks the app, on nobody's behalf.
ALTER TABLE keys.data_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY by_system ON keys.data_keys USING ((SELECT acts_as_system()));

-- Version, key id, nonce and tag stand before what is sealed: no plaintext gets into such a column.
CREATE FUNCTION is_sealed(value bytea) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN octet_length(value) >= 45 AND get_byte(value, 0) = 1;

-- `email_index` is a keyed hash: by it an address is found, and there is one of it.
ALTER TABLE users RENAME email TO plain_email;
ALTER TABLE users RENAME display_name TO plain_display_name;
ALTER TABLE users
  DROP CONSTRAINT users_email_key,
  ADD email bytea CONSTRAINT users_email_sealed CHECK (is_sealed(email)) CHECK (octet_length(email) <= 1100),
  ADD email_index bytea CHECK (octet_length(email_index) = 32),
  ADD display_name bytea CONSTRAINT users_display_name_sealed CHECK (is_sealed(display_name)) CHECK (octet_length(display_name) <= 500);

ALTER TABLE resources RENAME content TO plain_content;
ALTER TABLE resources
  ADD content bytea CONSTRAINT resources_content_sealed CHECK (is_sealed(content)) CHECK (octet_length(content) <= 80100);

ALTER TABLE sign_ups RENAME email TO plain_email;
ALTER TABLE sign_ups RENAME display_name TO plain_display_name;
ALTER TABLE sign_ups
  ADD email bytea CONSTRAINT sign_ups_email_sealed CHECK (is_sealed(email)) CHECK (octet_length(email) <= 1100),
  ADD email_index bytea CHECK (octet_length(email_index) = 32),
  ADD display_name bytea CONSTRAINT sign_ups_display_name_sealed CHECK (is_sealed(display_name)) CHECK (octet_length(display_name) <= 500);

ALTER TABLE invitations RENAME email TO plain_email;
ALTER TABLE invitations
  ADD email bytea CONSTRAINT invitations_email_sealed CHECK (is_sealed(email)) CHECK (octet_length(email) <= 1100),
  ADD email_index bytea CHECK (octet_length(email_index) = 32);

-- Where an account was is known by its index alone: the address itself is in the account.
ALTER TABLE mail_links RENAME from_email TO plain_from_email;
ALTER TABLE mail_links RENAME to_email TO plain_to_email;
ALTER TABLE mail_links
  ADD from_index bytea CHECK (octet_length(from_index) = 32),
  ADD to_email bytea CONSTRAINT mail_links_to_email_sealed CHECK (is_sealed(to_email)) CHECK (octet_length(to_email) <= 1100),
  ADD to_index bytea CHECK (octet_length(to_index) = 32);

ALTER TABLE factors RENAME name TO plain_name;
ALTER TABLE factors ADD name bytea CONSTRAINT factors_name_sealed CHECK (is_sealed(name)) CHECK (octet_length(name) <= 500);

ALTER TABLE totp_secrets RENAME secret_sealed TO plain_secret;
ALTER TABLE totp_secrets ADD secret_sealed bytea CONSTRAINT totp_secrets_secret_sealed_sealed CHECK (is_sealed(secret_sealed));

-- Copies that were asked for are made anew: nobody waits for one longer than a day.
DELETE FROM exports;
ALTER TABLE export_parts DROP items,
  ADD items bytea NOT NULL CONSTRAINT export_parts_items_sealed CHECK (is_sealed(items));

-- What a plain hash of a request was made of can be guessed; after a day nobody asks for one.
DELETE FROM idempotency_keys;
ALTER TABLE idempotency_keys ADD CONSTRAINT idempotency_keys_request_hash_check
  CHECK (octet_length(request_hash) = 32);

-- step: seal-rows

DROP TRIGGER user_credentials_changed ON users;
ALTER TABLE users
  DROP plain_email, DROP plain_display_name,
  ALTER email SET NOT NULL, ALTER email_index SET NOT NULL, ALTER display_name SET NOT NULL,
  ADD CONSTRAINT users_email_key UNIQUE (email_index);
-- By the index: an address that is sealed anew is the same address.
CREATE TRIGGER user_credentials_changed AFTER UPDATE OF email_index, password_hash ON users
  FOR EACH ROW
  WHEN (OLD.email_index <> NEW.email_index OR OLD.password_hash <> NEW.password_hash)
  EXECUTE FUNCTION forget_links_of_changed_user();

-- Sealed values do not compress: stored outside as they are, their heads can be read alone.
ALTER TABLE resources DROP plain_content,
  ALTER content SET NOT NULL, ALTER content SET STORAGE EXTERNAL;
ALTER TABLE export_parts ALTER items SET STORAGE EXTERNAL;

ALTER TABLE sign_ups DROP plain_email, DROP plain_display_name,
  ALTER email SET NOT NULL, ALTER email_index SET NOT NULL, ALTER display_name SET NOT NULL;
CREATE INDEX sign_ups_email ON sign_ups (email_index, created_at);

ALTER TABLE invitations DROP plain_email,
  ALTER email SET NOT NULL, ADD PRIMARY KEY (email_index);

ALTER TABLE mail_links DROP plain_from_email, DROP plain_to_email,
  ADD CONSTRAINT mail_links_emails_check CHECK (
    (purpose IN ('change_email', 'undo_email_change')) = (from_index IS NOT NULL)
    AND (from_index IS NULL) = (to_email IS NULL)
    AND (from_index IS NULL) = (to_index IS NULL));

ALTER TABLE factors DROP plain_name, ALTER name SET NOT NULL;
-- Not by a name that is sealed anew: whoever does that has not locked the user's row before.
DROP TRIGGER factor_changed ON factors;
CREATE TRIGGER factor_changed AFTER INSERT OR DELETE OR UPDATE OF user_id, confirmed_at ON factors
  FOR EACH ROW EXECUTE FUNCTION note_second_factor();
ALTER TABLE totp_secrets DROP plain_secret, ALTER secret_sealed SET NOT NULL;

GRANT UPDATE (content) ON resources TO bulwark_app;
-- A rotation seals them anew.
GRANT UPDATE (email, display_name) ON sign_ups TO bulwark_app;
GRANT UPDATE (to_email) ON mail_links TO bulwark_app;
GRANT UPDATE (items) ON export_parts TO bulwark_app;

-- down

-- The database has no key, so it cannot open what it holds: nothing is thrown away in silence.
DO $$
BEGIN
  IF EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM sign_ups) OR EXISTS (SELECT FROM invitations) THEN
    RAISE EXCEPTION 'the rows are encrypted: this migration goes back in an empty database only';
  END IF;
END $$;

REVOKE UPDATE (email, display_name) ON sign_ups FROM bulwark_app;
REVOKE UPDATE (to_email) ON mail_links FROM bulwark_app;
REVOKE UPDATE (items) ON export_parts FROM bulwark_app;

ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_request_hash_check;
ALTER TABLE totp_secrets DROP secret_sealed, ADD secret_sealed bytea NOT NULL;
DROP TRIGGER factor_changed ON factors;
CREATE TRIGGER factor_changed AFTER INSERT OR UPDATE OR DELETE ON factors
  FOR EACH ROW EXECUTE FUNCTION note_second_factor();
ALTER TABLE factors DROP name,
  ADD name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100);
ALTER TABLE export_parts DROP items, ADD items text NOT NULL;
ALTER TABLE mail_links DROP from_index, DROP to_email, DROP to_index,
  ADD from_email text, ADD to_email text CHECK (char_length(to_email) BETWEEN 3 AND 254),
  ADD CONSTRAINT mail_links_emails_check CHECK (
    (purpose IN ('change_email', 'undo_email_change')) = (from_email IS NOT NULL)
    AND (from_email IS NULL) = (to_email IS NULL));
ALTER TABLE invitations DROP email, DROP email_index,
  ADD email text PRIMARY KEY CHECK (char_length(email) BETWEEN 3 AND 254);
ALTER TABLE sign_ups DROP email, DROP email_index, DROP display_name,
  ADD email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  ADD display_name text NOT NULL CHECK (char_length(display_name) <= 100);
CREATE INDEX sign_ups_email ON sign_ups (email, created_at);
ALTER TABLE resources DROP content,
  ADD content text NOT NULL CHECK (char_length(content) <= 20000);
GRANT UPDATE (content) ON resources TO bulwark_app;
DROP TRIGGER user_credentials_changed ON users;
ALTER TABLE users DROP email, DROP email_index, DROP display_name,
  ADD email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
  ADD display_name text NOT NULL CHECK (char_length(display_name) <= 100),
  ADD CONSTRAINT users_email_key UNIQUE (email);
CREATE TRIGGER user_credentials_changed AFTER UPDATE OF email, password_hash ON users
  FOR EACH ROW WHEN (OLD.email <> NEW.email OR OLD.password_hash <> NEW.password_hash)
  EXECUTE FUNCTION forget_links_of_changed_user();
DROP FUNCTION is_sealed;
DROP TABLE keys.data_keys;
DROP SCHEMA keys;
