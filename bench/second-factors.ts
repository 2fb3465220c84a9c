import { randomUUID } from 'node:crypto';
import { Factor, TotpSecret } from '../src/auth/factor.entity.js';
import { createTotpSecret, totpEnrolment } from '../src/auth/totp.js';
import type { Config } from '../src/config/config.js';
import { withClient } from '../src/database/provision.js';
import { onClient, sealedRows } from '../test/support/sealed-rows.js';
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
  const secret = Buffer.from(createTotpSecret());
  const shown = totpEnrolment(secret, '').secret;
  const emails = Array.from({ length: PEOPLE }, (_, n) => `coded-${n + 1}@example.com`);
  const { createUsers, fields } = sealedRows(config);
  return withClient(ownerUrl, async (client) => {
    const people = await createUsers(onClient(client), { emails, passwordHash });
    const factors = people.map(({ id: userId, key }) => {
      const factor = { id: randomUUID(), userId, name: 'Phone' };
      const { name } = fields.sealWith(key, Factor, factor);
      const seed = { factorId: factor.id, userId, secret };
      return { ...factor, name, sealed: fields.sealWith(key, TotpSecret, seed).secret };
    });
    await client.query(
      `WITH v AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[]) v (id, owner, name, seed)),
       factor AS (
         INSERT INTO factors (id, user_id, kind, name, confirmed_at)
         SELECT id, owner, 'totp', name, now() FROM v
       )
       INSERT INTO totp_secrets (factor_id, secret_sealed) SELECT id, seed FROM v`,
      [
        factors.map(({ id }) => id),
        factors.map(({ userId }) => userId),
        factors.map(({ name }) => name),
        factors.map(({ sealed }) => sealed),
      ],
    );
    return emails.map((email) => ({ email, code: () => totpCode(shown) }));
  });
}
