-- up

-- An account whose owner asked for its end is a disabled one until then: whatever refuses those, refuses
-- it, too. Until `delete_at` its owner can call it back. Once `is_erased`, nobody can: its rows go in bites.
ALTER TABLE users
  ADD COLUMN delete_at timestamptz(3),
  ADD COLUMN is_erased boolean NOT NULL DEFAULT false,
  ADD CONSTRAINT users_leaving_is_disabled CHECK (delete_at IS NULL OR disabled_at IS NOT NULL),
  ADD CONSTRAINT users_erased_is_leaving CHECK (NOT is_erased OR delete_at IS NOT NULL);
CREATE INDEX users_leaving ON users (id) WHERE delete_at IS NOT NULL;

ALTER TABLE mail_links
  DROP CONSTRAINT mail_links_purpose_check,
  ADD CONSTRAINT mail_links_purpose_check CHECK
    (purpose IN ('reset_password', 'change_email', 'undo_email_change', 'cancel_deletion')),
  DROP CONSTRAINT mail_links_emails_check,
  ADD CONSTRAINT mail_links_emails_check CHECK (
    (purpose IN ('change_email', 'undo_email_change')) = (from_email IS NOT NULL)
    AND (from_email IS NULL) = (to_email IS NULL));

-- Whoever leaves, and whoever comes back, leaves no link behind that was open before. The way back from a
-- change of address stays: a thief who moves an account and then deletes it has not got rid of its owner.
CREATE FUNCTION forget_links_of_leaving_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM mail_links WHERE user_id = NEW.id AND purpose <> 'undo_email_change';
  RETURN NULL;
END $$;
CREATE TRIGGER user_leaving_changed AFTER UPDATE OF delete_at ON users
  FOR EACH ROW WHEN ((OLD.delete_at IS NULL) <> (NEW.delete_at IS NULL))
  EXECUTE FUNCTION forget_links_of_leaving_user();

-- down

-- Who was about to leave does not come back by this: the account stays disabled.
DROP TRIGGER user_leaving_changed ON users;
DROP FUNCTION forget_links_of_leaving_user;
DELETE FROM mail_links WHERE purpose = 'cancel_deletion';
ALTER TABLE mail_links
  DROP CONSTRAINT mail_links_purpose_check,
  ADD CONSTRAINT mail_links_purpose_check
    CHECK (purpose IN ('reset_password', 'change_email', 'undo_email_change')),
  DROP CONSTRAINT mail_links_emails_check,
  ADD CONSTRAINT mail_links_emails_check
    CHECK ((purpose = 'reset_password') = (from_email IS NULL) AND (from_email IS NULL) = (to_email IS NULL));
ALTER TABLE users DROP COLUMN delete_at, DROP COLUMN is_erased;
