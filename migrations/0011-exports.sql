-- up

-- A copy of all that is somebody's, for a day. One a person: the constraint decides who asked first.
CREATE TABLE exports (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  is_complete boolean NOT NULL DEFAULT true,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  ready_at timestamptz(3),
  expires_at timestamptz(3) NOT NULL,
  CONSTRAINT exports_one_each UNIQUE (user_id)
);
CREATE INDEX exports_expires_at ON exports (expires_at);

-- It is written and read a page at a time: nobody's export is ever in memory as a whole.
CREATE TABLE export_parts (
  export_id uuid NOT NULL REFERENCES exports ON DELETE CASCADE,
  number integer NOT NULL,
  section text NOT NULL,
  items text NOT NULL,
  PRIMARY KEY (export_id, number)
);

ALTER TABLE mail_links
  DROP CONSTRAINT mail_links_purpose_check,
  ADD CONSTRAINT mail_links_purpose_check CHECK (purpose IN
    ('reset_password', 'change_email', 'undo_email_change', 'cancel_deletion', 'download_export'));

-- Who leaves leaves no link behind. Without it a copy is worth nothing, and would keep its owner, come back,
-- from asking for another.
CREATE FUNCTION forget_export_of_leaving_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- One that is being written finds that there is nobody to tell, and does not stay.
  DELETE FROM exports WHERE user_id = NEW.id AND ready_at IS NOT NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER user_leaving_export AFTER UPDATE OF delete_at ON users
  FOR EACH ROW WHEN ((OLD.delete_at IS NULL) <> (NEW.delete_at IS NULL))
  EXECUTE FUNCTION forget_export_of_leaving_user();

GRANT SELECT, INSERT, UPDATE, DELETE ON exports TO bulwark_app;
GRANT SELECT, INSERT ON export_parts TO bulwark_app;

-- down

DROP TRIGGER user_leaving_export ON users;
DROP FUNCTION forget_export_of_leaving_user;
DELETE FROM mail_links WHERE purpose = 'download_export';
ALTER TABLE mail_links
  DROP CONSTRAINT mail_links_purpose_check,
  ADD CONSTRAINT mail_links_purpose_check CHECK
    (purpose IN ('reset_password', 'change_email', 'undo_email_change', 'cancel_deletion'));
DROP TABLE export_parts, exports;
