import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { Problem } from '../http/problem.js';
import type { Challenged } from './challenges.service.js';
import { LoginThrottle, type Attempt } from './login-throttle.js';
import { RecoveryCodesService } from './recovery-codes.service.js';
import { isTotpCode } from './totp.js';
import { TotpSecretsService } from './totp-secrets.service.js';

/** A typed code as the proof of a second factor, of whichever kind it is. */
@Injectable()
export class FactorCodesService {
  constructor(
    private readonly totp: TotpSecretsService,
    private readonly recoveryCodes: RecoveryCodesService,
    private readonly throttle: LoginThrottle,
    private readonly log: SecurityLog,
  ) {}

  /**
   * Counts six digits before they are looked at; a recovery code nobody guesses, and it is the way out
   * for whoever is kept out by another's guesses. Throws `rate_limited`, `too_many_failures`.
   */
  async admit(attempt: Attempt, typed: string): Promise<void> {
    if (isTotpCode(digitsOf(typed))) await this.throttle.admitCode(attempt);
  }

  /** Spends the code, in the transaction of what it is good for. Throws `wrong_code`. */
  async spend(tx: EntityManager, owner: Challenged, typed: string): Promise<void> {
    const digits = digitsOf(typed);
    const spent = isTotpCode(digits)
      ? await this.totp.spend(tx, owner.id, digits)
      : await this.recoveryCodes.spend(tx, owner, typed);
    if (spent) return;
    this.log.tell('authn_factor_fail', { userId: owner.id });
    throw new Problem('wrong_code');
  }
}

const digitsOf = (typed: string) => typed.replace(/\s/g, '');
