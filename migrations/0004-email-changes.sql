-- up

-- A link that moves an account to another address, and one that takes that back, say from where to where.
ALTER TABLE mail_links
  ADD COLUMN from_email text,
  ADD COLUMN to_email text CHECK (char_length(to_email) BETWEEN 3 AND 254),
  DROP CONSTRAINT mail_links_purpose_check,
  ADD CONSTRAINT mail_links_purpose_check
    CHECK (purpose IN ('reset_password', 'change_email', 'undo_email_change')),
  ADD CONSTRAINT mail_links_emails_check
    CHECK ((purpose = 'reset_password') = (from_email IS NULL) AND (from_email IS NULL) = (to_email IS NULL));

-- Whoever got hold of a link has nothing in it once the owner has another password or address, whoever
-- made the change. The way back from a change of address stays.
CREATE FUNCTION forget_links_of_changed_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM mail_links
  WHERE user_id = NEW.id AND purpose IN ('reset_password', 'change_email');
  RETURN NULL;
END $$;
CREATE TRIGGER user_credentials_changed AFTER UPDATE OF email, password_hash ON users
  FOR EACH ROW WHEN (OLD.email <> NEW.email OR OLD.password_hash <> NEW.password_hash)
  EXECUTE FUNCTION forget_links_of_changed_user();

-- down

DROP TRIGGER user_credentials_changed ON users;
DROP FUNCTION forget_links_of_changed_user;
DELETE FROM mail_links WHERE purpose <> 'reset_password';
ALTER TABLE mail_links
  DROP CONSTRAINT mail_links_emails_check,
  DROP COLUMN from_email,
  DROP COLUMN to_email,
  DROP CONSTRAINT mail_links_purpose_check,
  ADD CONSTRAINT mail_links_purpose_check CHECK (purpose IN ('reset_password'));
