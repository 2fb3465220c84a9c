import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { SecurityLog } from '../audit/security-log.js';
import { placeOf } from '../http/rate-limit.js';
import { Mailer } from '../mail/mailer.js';
import type { Credentials } from '../users/credentials.service.js';
import { ChallengesService } from './challenges.service.js';
import { LoginThrottle, type Attempt } from './login-throttle.js';
import { SessionsService, type OpenSession } from './sessions.service.js';

/** Where a sign-in comes from, and what it has proven. */
export interface Source {
  attempt: Attempt;
  device: string;
  twoFactor?: boolean;
  /** Whether a passkey stood for the password, too. */
  byPasskey?: boolean;
}

/** Opens sessions for people who have proven who they are. */
@Injectable()
export class SignInsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: SessionsService,
    private readonly throttle: LoginThrottle,
    private readonly mailer: Mailer,
    private readonly challenges: ChallengesService,
    private readonly log: SecurityLog,
  ) {}

  /**
   * Tells the owner by mail when the account did not know the place (ASVS 6.3.5): whoever signs in
   * with a stolen password cannot do it unnoticed. The first sign-in after the sign-up tells nothing.
   * Null when the account may not sign in with this password any more. Throws `second_factor_required`.
   */
  async open(who: Credentials, from: Source): Promise<OpenSession | null> {
    const session = await this.dataSource.transaction((tx) => this.openIn(tx, who, from));
    return session ?? this.challenges.demand(who);
  }

  /** The same in the transaction in which a second factor was proven, `twoFactor`. */
  async openIn(
    tx: EntityManager,
    who: Credentials,
    { attempt, device, twoFactor = false, byPasskey = false }: Source,
  ): Promise<OpenSession | null> {
    const place = placeOf(attempt.ip);
    const session = await this.sessions.start(tx, who, { device, place, twoFactor, byPasskey });
    if (!session) return null;
    await this.log.record(tx, 'authn_login_success', { ...session.actor, ip: attempt.ip });
    if (twoFactor) await this.throttle.remember(tx, attempt, 'known by code');
    const isNew = await this.throttle.remember(tx, attempt);
    if (isNew && !session.isFirst) {
      const values = {
        time: new Date().toUTCString(),
        place: place ?? 'an unknown network',
        device,
      };
      await this.mailer.send(tx, { to: session.email, template: 'newDevice', values });
    }
    return session;
  }
}
