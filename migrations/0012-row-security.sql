-- up

-- A wall behind the conditions of the statements: whoever forgets one reaches nothing that is not his. The
-- app says for each transaction on whose behalf it runs (src/database/acting-query.ts): a user's id, or
-- 'system' for work that is nobody's own. Unset, nothing is there.
CREATE FUNCTION actor_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT nullif(nullif(current_setting('bulwark.actor', true), ''), 'system')::uuid
$$;
CREATE FUNCTION acts_as_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('bulwark.actor', true) = 'system'
$$;

-- Asked of the owner of what is shared, whose row the reader does not see. (A SET clause would do the
-- same, but takes a superuser.)
CREATE FUNCTION is_leaving(person uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  asking text := current_setting('bulwark.actor', true);
  leaving boolean;
BEGIN
  PERFORM set_config('bulwark.actor', 'system', true);
  leaving := EXISTS (SELECT FROM users WHERE id = person AND delete_at IS NOT NULL);
  PERFORM set_config('bulwark.actor', asking, true);
  RETURN leaving;
END $$;

-- As a function: PostgreSQL refuses two policies that ask each other's tables.
CREATE FUNCTION owns_resource(resource uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (SELECT FROM resources WHERE id = resource AND owner_id = actor_id());
END $$;

-- A sub-select would be made ready by every statement, also for the owner's own rows, which are nearly all.
CREATE FUNCTION is_shared(resource uuid, owner uuid, writing boolean) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN EXISTS (
    SELECT FROM resource_shares WHERE resource_id = resource AND user_id = actor_id()
      AND (permission = 'write' OR NOT writing)) AND NOT is_leaving(owner);
END $$;

-- Who may write what is shared with him must not make it his own.
REVOKE UPDATE ON resources, resource_shares FROM bulwark_app;
GRANT UPDATE (title, content, labels, version, updated_at) ON resources TO bulwark_app;
GRANT UPDATE (permission) ON resource_shares TO bulwark_app;

-- As sub-selects, the functions are asked once a statement and not once a row.
CREATE POLICY created_by_owner ON resources FOR INSERT
  WITH CHECK (owner_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY deleted_by_owner ON resources FOR DELETE
  USING (owner_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY read_by_owner_or_share ON resources FOR SELECT
  USING (owner_id = (SELECT actor_id()) OR (SELECT acts_as_system()) OR is_shared(id, owner_id, false));
CREATE POLICY changed_by_owner_or_share ON resources FOR UPDATE
  USING (owner_id = (SELECT actor_id()) OR (SELECT acts_as_system()) OR is_shared(id, owner_id, true));

CREATE POLICY read_by_both ON resource_shares FOR SELECT
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()) OR owns_resource(resource_id));
CREATE POLICY ended_by_both ON resource_shares FOR DELETE
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()) OR owns_resource(resource_id));
CREATE POLICY given_by_owner ON resource_shares FOR INSERT
  WITH CHECK ((SELECT acts_as_system()) OR owns_resource(resource_id));
CREATE POLICY changed_by_owner ON resource_shares FOR UPDATE
  USING ((SELECT acts_as_system()) OR owns_resource(resource_id));

-- People are made and removed by nobody's own work.
CREATE POLICY own_row ON users FOR SELECT
  USING (id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY own_row_changed ON users FOR UPDATE
  USING (id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY made_by_system ON users FOR INSERT WITH CHECK ((SELECT acts_as_system()));
CREATE POLICY removed_by_system ON users FOR DELETE USING ((SELECT acts_as_system()));

CREATE POLICY own ON sessions
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY own ON mail_links
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY own ON factors
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY own ON recovery_codes
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY own ON second_factor_challenges
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY own ON idempotency_keys
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()));
CREATE POLICY own ON exports
  USING (user_id = (SELECT actor_id()) OR (SELECT acts_as_system()));

-- Parts of the rows above: who reaches those, reaches these.
CREATE POLICY of_own_session ON refresh_tokens
  USING ((SELECT acts_as_system()) OR EXISTS (SELECT FROM sessions WHERE id = session_id));
CREATE POLICY of_own_session ON passkey_challenges
  USING ((SELECT acts_as_system()) OR EXISTS (SELECT FROM sessions WHERE id = session_id));
CREATE POLICY of_own_factor ON totp_secrets
  USING ((SELECT acts_as_system()) OR EXISTS (SELECT FROM factors WHERE id = factor_id));
CREATE POLICY of_own_factor ON passkeys
  USING ((SELECT acts_as_system()) OR EXISTS (SELECT FROM factors WHERE id = factor_id));
CREATE POLICY of_own_export ON export_parts
  USING ((SELECT acts_as_system()) OR EXISTS (SELECT FROM exports WHERE id = export_id));

-- Nobody's yet: no user's request has anything to look for there.
CREATE POLICY nobodys ON sign_ups USING ((SELECT acts_as_system()));
CREATE POLICY nobodys ON invitations USING ((SELECT acts_as_system()));

-- FORCE: also for the owner of the tables, so that a tool that runs as him does not go around them.
DO $$
DECLARE protected text;
BEGIN
  FOREACH protected IN ARRAY ARRAY['users', 'resources', 'resource_shares', 'idempotency_keys', 'sessions',
    'refresh_tokens', 'mail_links', 'factors', 'totp_secrets', 'passkeys', 'passkey_challenges',
    'recovery_codes', 'second_factor_challenges', 'exports', 'export_parts', 'sign_ups', 'invitations']
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', protected);
  END LOOP;
END $$;

-- down

DO $$
DECLARE found record;
BEGIN
  FOR found IN SELECT tablename, policyname FROM pg_policies WHERE schemaname = 'public' LOOP
    EXECUTE format('DROP POLICY %I ON %I', found.policyname, found.tablename);
  END LOOP;
  FOR found IN SELECT oid::regclass AS name FROM pg_class
    WHERE relrowsecurity AND relnamespace = 'public'::regnamespace LOOP
    EXECUTE format('ALTER TABLE %s NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY', found.name);
  END LOOP;
END $$;
DROP FUNCTION is_shared, owns_resource, is_leaving, acts_as_system, actor_id;
REVOKE UPDATE (title, content, labels, version, updated_at) ON resources FROM bulwark_app;
REVOKE UPDATE (permission) ON resource_shares FROM bulwark_app;
GRANT UPDATE ON resources, resource_shares TO bulwark_app;
