import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Problem } from '../http/problem.js';
import { CredentialsService } from '../users/credentials.service.js';
import type { AccessTokenResponse } from './auth.dto.js';
import { freshenSession } from './freshen-session.js';
import type { PasskeyAnswer } from './passkeys.dto.js';
import { PasskeysService } from './passkeys.service.js';
import { TokensService } from './tokens.service.js';

/** Proves anew who is there, by a passkey alone: it is both factors. */
@Injectable()
export class PasskeyStepUpService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly passkeys: PasskeysService,
    private readonly credentials: CredentialsService,
    private readonly tokens: TokensService,
  ) {}

  /** Throws `invalid_passkey`, `invalid_token`. */
  async reauthenticate(actor: Actor, answer: PasskeyAnswer): Promise<AccessTokenResponse> {
    const proven = await this.passkeys.prove(answer, { purpose: 'reauthenticate', actor });
    const session = await this.dataSource.transaction(async (tx) => {
      if (!(await this.credentials.lock(tx, actor.userId))) return null;
      return this.passkeys.count(tx, proven, () => freshenSession(tx, actor, true));
    });
    if (!session) throw new Problem('invalid_passkey');
    return this.tokens.accessTokenOf(session);
  }
}
