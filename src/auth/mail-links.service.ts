import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Config } from '../config/config.js';
import type { Sealed } from '../crypto/protection.decorators.js';
import { Housekeeping, SWEEP_ROWS } from '../database/housekeeping.js';
import { AddressesService } from '../users/addresses.service.js';
import { createToken, hashToken } from './tokens.js';

/** Somebody waits for it. */
export const RESET_MINUTES = 30;
/** As long as the copy is kept. */
export const EXPORT_HOURS = 24;
/** Each purpose has its own page, and a life that is as short as its work allows. */
const PURPOSES = {
  reset_password: { page: 'account/reset-password', minutes: RESET_MINUTES },
  download_export: { page: 'account/download-export', minutes: EXPORT_HOURS * 60 },
} as const;
export type Purpose = keyof typeof PURPOSES;

interface Owner {
  id: string;
  email: string;
  hasSecondFactor: boolean;
}

type OwnerRow = Omit<Owner, 'email'> & { email: Sealed<string> };

/** Links that only the mail of one person holds. The database keeps a hash (ASVS 6.4.1, 6.5.2). */
@Injectable()
export class MailLinksService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: Config,
    private readonly addresses: AddressesService,
    housekeeping: Housekeeping,
  ) {
    housekeeping.register(() => this.forgetExpired());
  }

  /** A new link for whoever has this address; nothing when nobody has, or the account is disabled. */
  async create(tx: EntityManager, purpose: Purpose, email: string): Promise<string | undefined> {
    const { page, minutes } = PURPOSES[purpose];
    const token = createToken();
    const rows = await tx.sql<unknown[]>`
      INSERT INTO mail_links (token_hash, user_id, purpose, expires_at)
      SELECT ${hashToken(token)}, id, ${purpose}, now() + ${minutes} * interval '1 minute'
      FROM users WHERE email_index = ${this.addresses.indexOf(email)} AND disabled_at IS NULL
      RETURNING true`;
    return rows.length > 0 ? this.urlOf(page, token) : undefined;
  }

  /**
   * The token stands behind the "#", where no log, no proxy and no Referer sees it. The host is ours,
   * whatever the request called it: a link to the attacker's would bring him the token.
   */
  urlOf(page: string, token: string): string {
    return `${this.config.publicUrl}/${page}#${token}`;
  }

  /** By which an address is found: the same in every table. */
  indexOf(email: string): Buffer {
    return this.addresses.indexOf(email);
  }

  /** Whose link this is. Looking does not spend it: mail scanners look, too. */
  async find(purpose: Purpose, token: string): Promise<Owner | undefined> {
    const rows = await this.dataSource.sql<OwnerRow[]>`
      SELECT u.id, u.email, u.has_second_factor AS "hasSecondFactor" FROM mail_links l JOIN users u ON u.id = l.user_id
      WHERE l.token_hash = ${hashToken(token)} AND l.purpose = ${purpose}
        AND l.expires_at > now() AND u.disabled_at IS NULL`;
    return this.addresses.open(this.dataSource, rows[0]);
  }

  /**
   * Spends the link, and with it all others of its purpose that the person has; answers whose it was.
   * One statement decides: of any number of parallel uses one is told that it was the one. The person is
   * locked first, as by the deletion of the account: the two never wait for each other.
   */
  async spend(tx: EntityManager, purpose: Purpose, token: string): Promise<string | undefined> {
    const [spent] = await tx.sql<[{ userId: string }[], number]>`
      DELETE FROM mail_links WHERE purpose = ${purpose} AND user_id = (
        SELECT u.id FROM mail_links l JOIN users u ON u.id = l.user_id
        WHERE l.token_hash = ${hashToken(token)} AND l.purpose = ${purpose}
          AND l.expires_at > now() AND u.disabled_at IS NULL
        FOR NO KEY UPDATE OF u)
      RETURNING user_id AS "userId"`;
    return spent[0]?.userId;
  }

  /** Without a lock: the app's role may lock only what it may change, and a link never changes. */
  private forgetExpired(): Promise<unknown> {
    return this.dataSource.sql`DELETE FROM mail_links WHERE token_hash IN (
      SELECT token_hash FROM mail_links WHERE expires_at < now() LIMIT ${SWEEP_ROWS})`;
  }
}
