import { placeOf } from '../src/auth/totp-secrets.service.js';
import { createTotpSecret, totpEnrolment } from '../src/auth/totp.js';
import type { Config } from '../src/config/config.js';
import { FieldCipher } from '../src/crypto/field-cipher.js';
import { withClient } from '../src/database/provision.js';
import { totpCode } from '../test/support/second-factors.js';

const PEOPLE = 1_500;

/** Somebody who signs in with a password and a code. */
export interface FactorOwner {
  email: string;
  code: () => string;
}

/** With one secret for all, as they have one password; it is sealed for each of them. */
export async function addFactorOwners(
  ownerUrl: string,
  config: Config,
  passwordHash: string,
): Promise<FactorOwner[]> {
  const secret = createTotpSecret();
  const cipher = new FieldCipher(config);
  const shown = totpEnrolment(secret, '').secret;
  return withClient(ownerUrl, async (client) => {
    const { rows } = await client.query<{ id: string; user_id: string; email: string }>(
      `WITH person AS (
         INSERT INTO users (email, display_name, password_hash)
         SELECT 'coded-' || n || '@example.com', 'Coded ' || n, $1 FROM generate_series(1, $2) n
         RETURNING id, email
       ), factor AS (
         INSERT INTO factors (user_id, kind, name, confirmed_at)
         SELECT id, 'totp', 'Phone', now() FROM person
         RETURNING id, user_id
       )
       SELECT factor.id, user_id, email FROM factor JOIN person ON person.id = user_id`,
      [passwordHash, PEOPLE],
    );
    const sealed = rows.map(({ id, user_id: userId }) => cipher.seal(secret, placeOf(id, userId)));
    await client.query(
      `INSERT INTO totp_secrets (factor_id, secret_sealed)
       SELECT * FROM unnest($1::uuid[], $2::bytea[])`,
      [rows.map(({ id }) => id), sealed],
    );
    return rows.map(({ email }) => ({ email, code: () => totpCode(shown) }));
  });
}
