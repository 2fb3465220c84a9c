// npm run audit:checkpoint [-- --key]: prints the newest checkpoint, to be kept where the owner of the
// database cannot change it; or the public key (Ed25519, as a JWK) that verifies them.
import 'reflect-metadata';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { EntityManager } from 'typeorm';
import { headOf } from '../audit/chain.js';
import { newestCheckpoint } from '../audit/checkpoints.js';
import { fail, say, withAuditDatabase } from './audit-database.js';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { key: { type: 'boolean' } } });
  await withAuditDatabase('app', async ({ manager }, { keys: { audit } }) => {
    const publicKey = createPublicKey(audit.checkpointKey).export({ format: 'jwk' });
    say(values.key ? JSON.stringify(publicKey) : await newest(manager, audit.checkpointKey));
  });
}

async function newest(manager: EntityManager, key: KeyObject): Promise<string> {
  const checkpoint = await newestCheckpoint(manager, key, await headOf(manager));
  if (checkpoint) return checkpoint.statement;
  throw new Error('There is no checkpoint yet: the app makes one every few minutes');
}

main().catch(fail);
