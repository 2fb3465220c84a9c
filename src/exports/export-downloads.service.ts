import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { Problem } from '../http/problem.js';
import type { Section } from './export-pages.js';
import type { ExportDocument } from './exports.dto.js';

type Head = Omit<ExportDocument, Section>;

/** Reads an export as it was written: one part after the other, as fast as the client takes them. */
@Injectable()
export class ExportDownloadsService {
  constructor(private readonly dataSource: DataSource) {}

  /** Throws `not_found`, for another's, for one that is not ready and for one that has expired, too. */
  async open(actor: Actor, id: string): Promise<ExportDocument> {
    const [head] = await this.dataSource.sql<Head[]>`
      SELECT e.ready_at AS "exportedAt", e.is_complete AS "isComplete", u.id, u.email,
             u.display_name AS "displayName", u.role, u.created_at AS "createdAt"
      FROM exports e JOIN users u ON u.id = e.user_id
      WHERE e.id = ${id} AND e.user_id = ${actor.userId}
        AND e.ready_at IS NOT NULL AND e.expires_at > now()`;
    if (!head) throw new Problem('not_found');
    return {
      ...head,
      sessions: this.items(id, 'sessions'),
      resources: this.items(id, 'resources'),
      sharedWithMe: this.items(id, 'sharedWithMe'),
    };
  }

  private async *items<Item>(id: string, section: Section): AsyncGenerator<Item> {
    for (let after = 0; ;) {
      const [part] = await this.dataSource.sql<{ number: number; items: string }[]>`
        SELECT number, items FROM export_parts
        WHERE export_id = ${id} AND section = ${section} AND number > ${after}
        ORDER BY number LIMIT 1`;
      if (!part) return;
      yield* JSON.parse(part.items, reviveTimes) as Item[];
      after = part.number;
    }
  }
}

/** JSON has no times: what is called one is one again. */
const reviveTimes = (name: string, value: unknown) =>
  name.endsWith('At') && typeof value === 'string' ? new Date(value) : value;
