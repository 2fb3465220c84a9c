import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Problem } from '../http/problem.js';
import { UsersService } from '../users/users.service.js';
import { FactorsService } from './factors.service.js';
import { PasskeyChallengesService } from './passkey-challenges.service.js';
import type { AddPasskeyRequest } from './passkeys.dto.js';
import { userHandleOf } from './passkeys.service.js';
import { RelyingParty, type NewPasskey } from './relying-party.js';

/** Adds passkeys to the factors of an account. */
@Injectable()
export class PasskeyRegistrationsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly users: UsersService,
    private readonly factors: FactorsService,
    private readonly challenges: PasskeyChallengesService,
    private readonly relyingParty: RelyingParty,
  ) {}

  async options(actor: Actor) {
    const { email } = await this.users.getOwn(actor);
    const rows = await this.dataSource.sql<{ credentialId: Buffer }[]>`
      SELECT p.credential_id AS "credentialId" FROM factors f JOIN passkeys p ON p.factor_id = f.id
      WHERE f.user_id = ${actor.userId} ORDER BY f.id`;
    return {
      ...(await this.challenges.create({ purpose: 'register', actor })),
      rpId: this.relyingParty.id,
      userHandle: userHandleOf(actor.userId),
      userName: email,
      excludeCredentialIds: rows.map(({ credentialId }) => credentialId.toString('base64url')),
    };
  }

  /** Throws `invalid_passkey`, `too_many_factors`. */
  async add(actor: Actor, request: AddPasskeyRequest) {
    const challenge = await this.relyingParty.challengeOf(request);
    await this.challenges.spend(challenge, { purpose: 'register', actor });
    const passkey = await this.relyingParty.verifyNew(request, challenge);
    const factor = { id: randomUUID(), kind: 'passkey', name: request.name } as const;
    const added = await this.factors.addProven(actor, factor, (tx) =>
      this.store(tx, factor.id, passkey),
    );
    return { id: factor.id, ...added };
  }

  /** A credential that is somebody's already is nobody else's (WebAuthn §7.1, step 26). */
  private async store(tx: EntityManager, factorId: string, passkey: NewPasskey): Promise<void> {
    const { credentialId, publicKey, signCount } = passkey;
    const stored = await tx.sql<unknown[]>`
      INSERT INTO passkeys (factor_id, credential_id, public_key, sign_count)
      VALUES (${factorId}, ${credentialId}, ${publicKey}, ${signCount})
      ON CONFLICT (credential_id) DO NOTHING RETURNING true`;
    if (stored.length === 0) throw new Problem('invalid_passkey');
  }
}
