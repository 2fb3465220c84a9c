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

GRANT SELECT, INSERT, UPDATE, DELETE ON exports TO bulwark_app;
GRANT SELECT, INSERT ON export_parts TO bulwark_app;

-- down

DELETE FROM mail_links WHERE purpose = 'download_export';
ALTER TABLE mail_links
  DROP CONSTRAINT mail_links_purpose_check,
  ADD CONSTRAINT mail_links_purpose_check CHECK
    (purpose IN ('reset_password', 'change_email', 'undo_email_change', 'cancel_deletion'));
DROP TABLE export_parts, exports;
