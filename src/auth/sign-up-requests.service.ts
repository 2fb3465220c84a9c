import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { SealedFields } from '../crypto/sealed-fields.js';
import { JobQueue } from '../database/job-queue.js';
import { Mailer } from '../mail/mailer.js';
import { RecipientLimit } from '../mail/recipient-limit.js';
import { AddressesService } from '../users/addresses.service.js';
import type { RegisterRequest } from './auth.dto.js';
import { MailLinksService } from './mail-links.service.js';
import { PasswordHasher } from './password-hasher.js';
import { checkPassword } from './password-policy.js';
import { SignUp } from './sign-up.entity.js';
import { createToken, hashToken } from './tokens.js';

/** A day to look into one's mail. */
export const SIGN_UP_HOURS = 24;
const JOB = { retryLimit: 5, retryDelay: 10, retryBackoff: true, expireInSeconds: 60 };

interface Request {
  id: string;
}

/** Somebody says that an address is his, and chooses a password. */
@Injectable()
export class SignUpRequestsService implements OnApplicationBootstrap {
  constructor(
    private readonly dataSource: DataSource,
    private readonly queue: JobQueue,
    private readonly mailer: Mailer,
    private readonly limit: RecipientLimit,
    private readonly links: MailLinksService,
    private readonly hasher: PasswordHasher,
    private readonly fields: SealedFields,
    private readonly addresses: AddressesService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.queue.work<Request>('sign-up', ({ data }) => this.sendLink(data));
  }

  /**
   * The same answer and the same work for every address: whether somebody has it is asked later, by
   * the worker (ASVS 6.3.8). Throws `weak_password`, `overloaded`.
   */
  async add({ email, password, displayName = '' }: RegisterRequest): Promise<void> {
    checkPassword(password, { email });
    const passwordHash = await this.hasher.hash(password);
    await this.dataSource.transaction(async (tx) => {
      // As many rows an address as mails, counted before anybody knows whether there is an account.
      if (!(await this.limit.admits(tx, email, 'sign-up'))) return;
      const id = randomUUID();
      const sealed = await this.fields.seal(tx, SignUp, { id, email, displayName });
      await tx.sql`
        INSERT INTO sign_ups (id, email, email_index, display_name, password_hash, expires_at)
        VALUES (${id}, ${sealed.email}, ${this.addresses.indexOf(email)}, ${sealed.displayName},
                ${passwordHash}, now() + ${SIGN_UP_HOURS} * interval '1 hour')`;
      await this.queue.add(tx, 'sign-up', { id } satisfies Request, JOB);
    });
  }

  /** Who has an account already learns that from his own mail, and nobody else does. */
  private async sendLink({ id }: Request): Promise<void> {
    const token = createToken();
    await this.dataSource.transaction(async (tx) => {
      const asked = await this.decide(tx, id, hashToken(token));
      if (!asked) return;
      const { email: to, free } = asked;
      if (free) {
        const link = this.links.urlOf('account/verify-address', token);
        return this.mailer.send(tx, { to, template: 'verifyAddress', values: { link } });
      }
      const link = await this.links.create(tx, 'reset_password', to);
      if (link) await this.mailer.send(tx, { to, template: 'addressTaken', values: { link } });
    });
  }

  /** A free address gets its link; of a taken one nothing stays. One statement for both: the clock tells less. */
  private async decide(tx: EntityManager, id: string, tokenHash: Buffer) {
    const [rows] = await tx.sql<[(Pick<SignUp, 'id' | 'email'> & { free: boolean })[], number]>`
      WITH request AS (
        SELECT id, email, NOT EXISTS (
          SELECT FROM users WHERE users.email_index = sign_ups.email_index) AS free
        FROM sign_ups WHERE id = ${id} AND email IS NOT NULL
      )
      UPDATE sign_ups SET token_hash = CASE WHEN free THEN ${tokenHash}::bytea END,
        email = CASE WHEN free THEN sign_ups.email END,
        display_name = CASE WHEN free THEN display_name END
      FROM request WHERE sign_ups.id = request.id AND sign_ups.email IS NOT NULL
      RETURNING request.id, request.email, free`;
    return rows[0] && this.fields.openOne(tx, SignUp, rows[0]);
  }
}
