import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { mustBeLive } from '../access/live-session.js';
import { RevocationFeed } from '../access/revocation-feed.js';
import { SecurityLog } from '../audit/security-log.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import type { Sealed } from '../crypto/protection.decorators.js';
import { Problem } from '../http/problem.js';
import { Mailer } from '../mail/mailer.js';
import { AddressesService } from '../users/addresses.service.js';
import { Factor } from './factor.entity.js';
import type { EnrolmentResponse } from './factors.dto.js';
import { RecoveryCodesService } from './recovery-codes.service.js';
import { orShortPassword } from './short-password.js';
import { createTotpSecret, totpEnrolment } from './totp.js';
import { TotpSecretsService } from './totp-secrets.service.js';

export const MAX_FACTORS = 5;
export const ENROLMENT_MINUTES = 10;

interface Owner {
  id: string;
  email: string;
  hasSecondFactor: boolean;
}
interface NewFactor {
  id: string;
  kind: 'totp' | 'passkey';
  name: string;
}
type OwnerRow = Omit<Owner, 'email'> & { email: Sealed<string> };
type FactorRow = Factor & { confirmedAt: Date };

/** The second factors of an account, of whatever kind. Only what is confirmed counts as one. */
@Injectable()
export class FactorsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly totp: TotpSecretsService,
    private readonly recoveryCodes: RecoveryCodesService,
    private readonly revocations: RevocationFeed,
    private readonly mailer: Mailer,
    private readonly log: SecurityLog,
    private readonly fields: SealedFields,
    private readonly addresses: AddressesService,
  ) {}

  async list({ userId }: Actor) {
    const rows = await this.dataSource.sql<FactorRow[]>`
      SELECT id, user_id AS "userId", kind, name, confirmed_at AS "confirmedAt" FROM factors
      WHERE user_id = ${userId} AND confirmed_at IS NOT NULL ORDER BY confirmed_at, id`;
    const items = await this.fields.openAll(this.dataSource, Factor, rows);
    const recoveryCodesLeft = await this.recoveryCodes.count(this.dataSource.manager, userId);
    return { items, recoveryCodesLeft };
  }

  /** Begins anew what was begun and not confirmed. Throws `too_many_factors`. */
  async enrolTotp(actor: Actor, name: string): Promise<EnrolmentResponse> {
    const [id, secret] = [randomUUID(), createTotpSecret()];
    const email = await this.change(actor, async (tx, owner) => {
      await tx.sql`DELETE FROM factors WHERE user_id = ${owner.id} AND confirmed_at IS NULL`;
      await this.insert(tx, owner, { id, kind: 'totp', name });
      await this.totp.add(tx, id, owner.id, Buffer.from(secret));
      return owner.email;
    });
    return { id, name, ...totpEnrolment(secret, email) };
  }

  /**
   * From here on the account asks for the factor, and sessions that did without it end. Answers new
   * recovery codes with the first factor. Throws `not_found`, `wrong_code`.
   */
  async confirm(actor: Actor, id: string, code: string): Promise<{ recoveryCodes: string[] }> {
    const recoveryCodes = await this.change(actor, async (tx, owner) => {
      const [confirmed] = await tx.sql<[unknown[], number]>`
        UPDATE factors SET confirmed_at = now()
        WHERE id = ${id} AND user_id = ${owner.id} AND confirmed_at IS NULL
          AND created_at > now() - ${ENROLMENT_MINUTES} * interval '1 minute'
        RETURNING true`;
      if (confirmed.length === 0) throw new Problem('not_found');
      // Whoever cannot make codes would lock himself out.
      if (!(await this.totp.spendOf(tx, id, owner.id, code))) throw new Problem('wrong_code');
      return this.added(tx, actor, owner, id);
    });
    return this.told(recoveryCodes);
  }

  /**
   * Adds a factor that has proven itself already; `store` keeps what its kind needs. Answers new
   * recovery codes with the first factor. Throws `too_many_factors`.
   */
  async addProven(
    actor: Actor,
    factor: NewFactor,
    store: (tx: EntityManager) => Promise<void>,
  ): Promise<{ recoveryCodes: string[] }> {
    const recoveryCodes = await this.change(actor, async (tx, owner) => {
      await this.insert(tx, owner, factor);
      await store(tx);
      await tx.sql`UPDATE factors SET confirmed_at = now() WHERE id = ${factor.id}`;
      return this.added(tx, actor, owner, factor.id);
    });
    return this.told(recoveryCodes);
  }

  /** Throws `not_found`, `password_needs_second_factor`. */
  async remove(actor: Actor, id: string): Promise<void> {
    await orShortPassword('password_needs_second_factor', () =>
      this.change(actor, async (tx, owner) => {
        const [removed] = await tx.sql<[unknown[], number]>`
          DELETE FROM factors WHERE id = ${id} AND user_id = ${owner.id}
            AND confirmed_at IS NOT NULL
          RETURNING true`;
        if (removed.length === 0) throw new Problem('not_found');
        await this.endOthers(tx, actor);
        await this.recoveryCodes.removeIdle(tx, owner.id);
        await this.mailer.send(tx, { to: owner.email, template: 'factorRemoved', values: {} });
        await this.log.record(tx, 'authn_factor_removed', { userId: owner.id, factorId: id });
      }),
    );
    await this.revocations.caughtUp();
  }

  /** Whoever added them. Lock the row of users before. */
  async removeAddedSince(
    tx: EntityManager,
    { id, email }: Pick<Owner, 'id' | 'email'>,
    since: Date,
  ) {
    const [removed] = await tx.sql<[{ id: string }[], number]>`
      DELETE FROM factors WHERE user_id = ${id} AND created_at >= ${since} RETURNING id`;
    if (removed.length === 0) return;
    await this.recoveryCodes.removeIdle(tx, id);
    await this.mailer.send(tx, { to: email, template: 'factorRemoved', values: {} });
    for (const { id: factorId } of removed)
      await this.log.record(tx, 'authn_factor_removed', { userId: id, factorId, by: 'undo' });
  }

  /** Throws `no_second_factor`. */
  async replaceRecoveryCodes(actor: Actor): Promise<{ recoveryCodes: string[] }> {
    const recoveryCodes = await this.change(actor, async (tx, owner) => {
      if (!owner.hasSecondFactor) throw new Problem('no_second_factor');
      await this.log.record(tx, 'authn_recovery_codes_created', { userId: owner.id });
      return this.recoveryCodes.replace(tx, owner.id);
    });
    return { recoveryCodes };
  }

  /** One change of an account's factors after another, by a session that is live until it is made. */
  private change<T>(
    actor: Actor,
    work: (tx: EntityManager, owner: Owner) => Promise<T>,
  ): Promise<T> {
    return this.dataSource.transaction(async (tx) => {
      const [row] = await tx.sql<OwnerRow[]>`
        SELECT id, email, has_second_factor AS "hasSecondFactor" FROM users
        WHERE id = ${actor.userId} FOR NO KEY UPDATE`;
      await mustBeLive(tx, actor);
      if (!row) throw new Problem('not_found');
      return work(tx, await this.addresses.open(tx, row));
    });
  }

  private async insert(tx: EntityManager, owner: Owner, factor: NewFactor) {
    const named = { ...factor, userId: owner.id };
    const { id, kind, name } = await this.fields.seal(tx, Factor, named);
    const added = await tx.sql<unknown[]>`
      INSERT INTO factors (id, user_id, kind, name) SELECT ${id}::uuid, ${owner.id}::uuid, ${kind}, ${name}::bytea
      WHERE (SELECT count(*) FROM factors WHERE user_id = ${owner.id}) < ${MAX_FACTORS}
      RETURNING true`;
    if (added.length === 0) throw new Problem('too_many_factors');
  }

  private async added(
    tx: EntityManager,
    actor: Actor,
    owner: Owner,
    factorId: string,
  ): Promise<string[]> {
    await tx.sql`UPDATE sessions SET second_factor = true WHERE id = ${actor.sessionId}`;
    await this.endOthers(tx, actor);
    await this.mailer.send(tx, { to: owner.email, template: 'factorAdded', values: {} });
    await this.log.record(tx, 'authn_factor_added', { userId: owner.id, factorId });
    return owner.hasSecondFactor ? [] : this.recoveryCodes.replace(tx, owner.id);
  }

  private async told(recoveryCodes: string[]) {
    await this.revocations.caughtUp();
    return { recoveryCodes };
  }

  /** They were opened without what is asked for now, or with what is gone (ASVS 7.4.3). */
  private async endOthers(tx: EntityManager, { userId, sessionId }: Actor): Promise<void> {
    await tx.sql`
      UPDATE sessions SET revoked_at = now()
      WHERE user_id = ${userId} AND id <> ${sessionId} AND revoked_at IS NULL`;
  }
}
