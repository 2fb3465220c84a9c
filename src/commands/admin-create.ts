// npm run admin:create -- you@example.com: makes an administrator with a random password, shown once.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { validateSync } from 'class-validator';
import { plainToInstance } from 'class-transformer';
import { DataSource, type EntityManager } from 'typeorm';
import { auditEvent, insertEvent } from '../audit/audit-event.js';
import { LoginRequest } from '../auth/auth.dto.js';
import { PasswordHasher } from '../auth/password-hasher.js';
import { Config } from '../config/config.js';
import { acrossOwners } from '../database/acting.js';
import { openCrypto } from '../crypto/open-crypto.js';
import { dataSourceOptions } from '../database/data-source-options.js';
import { completeEnvironment } from '../database/development.js';
import { CredentialsService } from '../users/credentials.service.js';
import { User } from '../users/user.entity.js';
import { fail, readArguments, say } from './command.js';

const PASSWORD_BYTES = 18;
const USAGE = `npm run admin:create -- you@example.com

Makes an administrator with a random password, which is shown once.`;

async function main(): Promise<void> {
  const { words } = readArguments({ usage: USAGE, takes: ({ length }) => length === 1 });
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  const request = plainToInstance(LoginRequest, { email: words[0], password });
  if (validateSync(request).length > 0)
    throw new Error('Name an e-mail address: npm run admin:create -- you@example.com');
  const { env, stop } = await completeEnvironment(process.env);
  try {
    await create(new Config(env), request);
  } finally {
    await stop();
  }
}

async function create(config: Config, { email, password }: LoginRequest): Promise<void> {
  const options = { ...dataSourceOptions(config), entities: [User] };
  const dataSource = await new DataSource(options).initialize();
  try {
    const { keys, fields, indexes } = openCrypto(config);
    const users = dataSource.getRepository(User);
    const credentials = new CredentialsService(users, keys, fields, indexes);
    const passwordHash = await new PasswordHasher().hash(password);
    const admin = { email, displayName: '', passwordHash, role: 'admin' } as const;
    const make = async (tx: EntityManager) => {
      const userId = await credentials.create(tx, admin);
      if (!userId) throw new Error(`${email} is taken`);
      const facts = { userId, role: 'admin', by: 'console' };
      const event = auditEvent('privilege_permissions_changed', facts, undefined);
      await insertEvent(tx, config.keys.audit.auditKey, event);
    };
    await acrossOwners(() => dataSource.transaction(make));
    say(
      `Administrator ${email}\nPassword      ${password}\nIt is not shown again. Change it with PUT /v1/users/me/password.`,
    );
  } finally {
    await dataSource.destroy();
  }
}

main().catch(fail);
