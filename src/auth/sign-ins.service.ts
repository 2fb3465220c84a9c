import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { placeOf } from '../http/rate-limit.js';
import { Mailer } from '../mail/mailer.js';
import type { Credentials } from '../users/credentials.service.js';
import { LoginThrottle, type Attempt } from './login-throttle.js';
import { SessionsService, type OpenSession } from './sessions.service.js';

/** Opens sessions for people who have proven who they are. */
@Injectable()
export class SignInsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly sessions: SessionsService,
    private readonly throttle: LoginThrottle,
    private readonly mailer: Mailer,
  ) {}

  /**
   * Tells the owner by mail when the account did not know the place (ASVS 6.3.5): whoever signs in
   * with a stolen password cannot do it unnoticed. The first sign-in after the sign-up tells nothing.
   * Null when the account may not sign in with this password any more.
   */
  async open(who: Credentials, attempt: Attempt, device: string): Promise<OpenSession | null> {
    const place = placeOf(attempt.ip);
    return this.dataSource.transaction(async (tx) => {
      const session = await this.sessions.start(tx, who, { device, place });
      if (!session) return null;
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
    });
  }
}
