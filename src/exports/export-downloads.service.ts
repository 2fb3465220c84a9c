import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { SecurityLog } from '../audit/security-log.js';
import { MailLinksService } from '../auth/mail-links.service.js';
import { actingAs } from '../database/acting.js';
import type { Sealed } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { Problem } from '../http/problem.js';
import { AddressesService } from '../users/addresses.service.js';
import { ExportPart } from './export-part.entity.js';
import type { Section } from './export-pages.js';
import type { ExportDocument } from './exports.dto.js';

/** As long as the slowest download may take. Then the copy is deleted, and one may ask for another. */
export const DOWNLOAD_MINUTES = 60;

interface Opened extends Omit<ExportDocument, Section> {
  exportId: string;
}

type SealedHead = Omit<Opened, 'email' | 'displayName'> & {
  email: Sealed<string>;
  displayName: Sealed<string>;
};

type Ids = Pick<ExportPart, 'exportId' | 'userId'>;

interface PartRow {
  number: number | null;
  items: Sealed<string>;
}

/** Reads an export as it was written: one part after the other, as fast as the client takes them. */
@Injectable()
export class ExportDownloadsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly links: MailLinksService,
    private readonly fields: SealedFields,
    private readonly addresses: AddressesService,
    private readonly log: SecurityLog,
  ) {}

  /**
   * Takes the link of the mail and a session of the same person: who reads the mail alone has one of the
   * two, and no second factor. Throws `invalid_link`, for another's, too, which stays good for its owner.
   */
  async open(actor: Actor, token: string): Promise<ExportDocument> {
    const { userId } = actor;
    const { exportId, ...head } = await this.dataSource.transaction(async (tx) => {
      const owner = await this.links.spend(tx, 'download_export', token);
      if (owner !== actor.userId) throw new Problem('invalid_link');
      return this.openOf(tx, owner);
    });
    return {
      ...head,
      sessions: this.items({ exportId, userId }, 'sessions'),
      resources: this.items({ exportId, userId }, 'resources'),
      sharedWithMe: this.items({ exportId, userId }, 'sharedWithMe'),
    };
  }

  private async openOf(tx: EntityManager, owner: string): Promise<Opened> {
    const [[row]] = await tx.sql<[SealedHead[], number]>`
      UPDATE exports e
      SET expires_at = least(e.expires_at, now() + ${DOWNLOAD_MINUTES} * interval '1 minute')
      FROM users u WHERE u.id = ${owner} AND e.user_id = u.id AND e.ready_at IS NOT NULL
      RETURNING e.id AS "exportId", e.ready_at AS "exportedAt", e.is_complete AS "isComplete", u.id,
        u.email, u.display_name AS "displayName", u.role, u.created_at AS "createdAt"`;
    if (!row) throw new Problem('invalid_link');
    const { exportId } = row;
    await this.log.record(tx, 'user_exported', { userId: owner, exportId, action: 'download' });
    return this.addresses.open(tx, row);
  }

  /** Throws when the export was deleted meanwhile: a file that ends early must not look whole. */
  private async *items<Item>(ids: Ids, section: Section): AsyncGenerator<Item> {
    for (let after = 0; ;) {
      // The socket asks for the next piece: that is no longer inside the request.
      const [part] = await actingAs(
        () => ids.userId,
        () => this.dataSource.sql<PartRow[]>`
          SELECT number, items FROM exports LEFT JOIN export_parts
            ON export_id = id AND section = ${section} AND number > ${after}
          WHERE id = ${ids.exportId} ORDER BY number LIMIT 1`,
      );
      if (!part) throw new Problem('not_found');
      if (part.number === null) return;
      const row = { ...ids, number: part.number, items: part.items };
      const { items } = await this.fields.openOne(this.dataSource, ExportPart, row);
      yield* JSON.parse(items, reviveTimes) as Item[];
      after = part.number;
    }
  }
}

/** JSON has no times: what is called one is one again. */
const reviveTimes = (name: string, value: unknown) =>
  name.endsWith('At') && typeof value === 'string' ? new Date(value) : value;
