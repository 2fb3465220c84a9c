-- up

-- A sign-up that led to an account, or to none, stays to its end: who asks by signing in learns nothing. But
-- not with an address and a name: the app's own key outlives every account, and opens them in any old backup.
ALTER TABLE sign_ups
  ALTER email DROP NOT NULL, ALTER display_name DROP NOT NULL,
  ADD CONSTRAINT sign_ups_live_check
    CHECK (token_hash IS NULL OR (email IS NOT NULL AND display_name IS NOT NULL));

-- down

DELETE FROM sign_ups WHERE email IS NULL OR display_name IS NULL;
ALTER TABLE sign_ups
  DROP CONSTRAINT sign_ups_live_check,
  ALTER email SET NOT NULL, ALTER display_name SET NOT NULL;
