import { createDecipheriv, createHmac, type KeyObject } from 'node:crypto';
import type { QueryRunner } from 'typeorm';
import type { Config } from '../config/config.js';
import { readEnvironment, type Environment } from '../config/environment.js';
import { deriveKey, readAppSecret, readEncryptionKeys } from '../config/secrets.js';
import { DataKeys } from '../crypto/data-keys.js';
import { LocalKeyWrapper } from '../crypto/local-key-wrapper.js';
import { sealValue, type DataKey } from '../crypto/sealing.js';
import {
  SEALINGS,
  FROM_EMAILS,
  FROM_INDEX,
  INVITATIONS,
  INVITATION,
  QUEUE,
  JOBS,
  JOB,
  ANY_ROWS,
  type Row,
  type Sealing,
} from './seal-rows.tables.js';

/** Encrypts what stood in the clear, and leaves nothing of it: all or nothing, with the migration. */
export const sealRows = (env: Environment) => async (runner: QueryRunner) => {
  const [{ any }] = (await runner.query(ANY_ROWS)) as [{ any: boolean }];
  const jobs = await findJobs(runner);
  if (any || jobs.length > 0) await new RowSealer(runner, env).sealAll(jobs);
};

interface OldJob {
  id: string;
  data: string;
}

async function findJobs(runner: QueryRunner): Promise<OldJob[]> {
  const [{ isThere }] = (await runner.query(QUEUE)) as [{ isThere: boolean }];
  return isThere ? ((await runner.query(JOBS)) as OldJob[]) : [];
}

class RowSealer {
  private readonly emailIndexKey: KeyObject;
  /** Of what sealed the secrets of TOTP before. */
  private readonly fieldKey: KeyObject;
  private readonly dataKeys: DataKeys;
  private readonly keys = new Map<string | null, DataKey>();

  constructor(
    private readonly runner: QueryRunner,
    env: Environment,
  ) {
    const { NODE_ENV: mode, APP_SECRET: secret, ENCRYPTION_KEYS: keySet } = readEnvironment(env);
    if (!secret || !keySet)
      throw new Error(
        'There are rows to encrypt: set APP_SECRET and ENCRYPTION_KEYS as for the app',
      );
    const production = mode === 'production';
    const bytes = readAppSecret(secret, production);
    this.fieldKey = deriveKey(bytes, 'fields');
    this.emailIndexKey = deriveKey(bytes, 'email-index');
    const encryptionKeys = readEncryptionKeys(keySet, production);
    this.dataKeys = new DataKeys(new LocalKeyWrapper({ encryptionKeys } as unknown as Config));
  }

  async sealAll(jobs: OldJob[]): Promise<void> {
    await this.sealJobs(jobs);
    for (const sealing of SEALINGS) await this.sealTable(sealing);
    for (const { email } of (await this.runner.query(FROM_EMAILS)) as { email: string }[])
      await this.runner.query(FROM_INDEX, [email, this.indexOf(email)]);
    for (const { email } of (await this.runner.query(INVITATIONS)) as { email: string }[]) {
      const index = this.indexOf(email);
      const place = { table: 'invitations', column: 'email', row: [index.toString('hex')] };
      const sealed = sealValue(await this.keyOf(null), place, Buffer.from(email));
      await this.runner.query(INVITATION, [email, sealed, index]);
    }
  }

  private async sealJobs(jobs: OldJob[]): Promise<void> {
    for (const { id, data } of jobs) {
      const place = { table: 'pgboss.job', column: 'data', row: [id] };
      const sealed = sealValue(await this.keyOf(null), place, Buffer.from(data));
      await this.runner.query(JOB, [id, sealed.toString('base64')]);
    }
  }

  private async sealTable(sealing: Sealing): Promise<void> {
    const { table, first, read: READ, columns, write: WRITE } = sealing;
    for (let after = first; ;) {
      const rows = (await this.runner.query(READ, [after])) as Row[];
      const last = rows.at(-1);
      if (!last) return;
      after = last.id;
      const found = columns.find(({ index }) => index)?.from;
      const indexes = rows.map((row) => (found ? this.indexOf(String(row[found])) : null));
      const sealed = columns.map(() => [] as Buffer[]);
      for (const row of rows)
        for (const [at, column] of columns.entries())
          sealed[at]?.push(await this.sealed(table, column, row));
      await this.runner.query(WRITE, [rows.map(({ id }) => id), indexes, ...sealed]);
    }
  }

  private async sealed(table: string, column: Sealing['columns'][number], row: Row) {
    const id = Buffer.isBuffer(row.id) ? row.id.toString('hex') : row.id;
    const value = row[column.from] ?? '';
    const plain = column.seed ? this.openSeed(row) : Buffer.from(value as string);
    const place = { table, column: column.to, row: [id] };
    return sealValue(await this.keyOf(row.owner), place, plain);
  }

  private async keyOf(owner: string | null): Promise<DataKey> {
    const key = this.keys.get(owner) ?? (await this.dataKeys.currentOf(this.runner, owner));
    this.keys.set(owner, key);
    return key;
  }

  private indexOf(email: string): Buffer {
    return createHmac('sha256', this.emailIndexKey).update(email).digest();
  }

  /** As version 1 of the cipher sealed it: version, nonce, tag, body. */
  private openSeed({ id, owner, plain_secret: sealed }: Row): Buffer {
    const bytes = sealed as Buffer;
    const options = { authTagLength: 16 };
    const decipher = createDecipheriv('aes-256-gcm', this.fieldKey, bytes.subarray(1, 13), options);
    const place = [1, 'totp_secrets', 'secret_sealed', id, owner];
    decipher.setAAD(Buffer.from(JSON.stringify(place))).setAuthTag(bytes.subarray(13, 29));
    return Buffer.concat([decipher.update(bytes.subarray(29)), decipher.final()]);
  }
}
