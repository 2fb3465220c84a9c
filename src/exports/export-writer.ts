import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { EXPORT_HOURS, MailLinksService } from '../auth/mail-links.service.js';
import { actingAs } from '../database/acting.js';
import type { Sealed } from '../crypto/protection.decorators.js';
import { JobQueue } from '../database/job-queue.js';
import { Mailer } from '../mail/mailer.js';
import { ExportPartsService } from './export-parts.service.js';
import { BEFORE_ALL, PAGE_ROWS, SECTIONS, type Section } from './export-pages.js';

/** What one export takes of the disk, for a day. What is beyond it is left out, and the file says so. */
export const MAX_EXPORT_BYTES = 256 * 1024 * 1024;

interface Draft {
  id: string;
  userId: string;
  parts: number;
  bytes: number;
}

/** Writes exports, page by page. The queue stops it when the app stops. */
@Injectable()
export class ExportWriter implements OnApplicationBootstrap {
  constructor(
    private readonly dataSource: DataSource,
    private readonly queue: JobQueue,
    private readonly mailer: Mailer,
    private readonly links: MailLinksService,
    private readonly contents: ExportPartsService,
  ) {}

  onApplicationBootstrap(): Promise<void> {
    return this.queue.work<{ id: string }>('export', async (job) => {
      // At one moment, and whole or not at all: a second try finds nothing of the first.
      await this.dataSource.transaction('REPEATABLE READ', (tx) => this.write(tx, job.data.id));
    });
  }

  private async write(tx: EntityManager, id: string): Promise<void> {
    const [row] = await tx.sql<{ userId: string }[]>`
      SELECT user_id AS "userId" FROM exports
      WHERE id = ${id} AND ready_at IS NULL AND expires_at > now() FOR NO KEY UPDATE`;
    if (!row) return;
    const draft: Draft = { ...row, id, parts: 0, bytes: 0 };
    // As the owner: a page that forgot whose it is would still hold nothing of anybody else.
    await actingAs(
      () => draft.userId,
      async () => {
        for (const section of Object.keys(SECTIONS) as Section[])
          await this.writeSection(tx, draft, section);
      },
    );
    await this.finish(tx, draft);
  }

  private async writeSection(tx: EntityManager, draft: Draft, section: Section): Promise<void> {
    let last = BEFORE_ALL;
    while (draft.bytes < MAX_EXPORT_BYTES) {
      const rows = await SECTIONS[section](tx, draft.userId, last);
      last = rows.at(-1) ?? last;
      const items = JSON.stringify(await this.contents.open(rows));
      draft.bytes += Buffer.byteLength(items);
      draft.parts += 1;
      const part = { exportId: draft.id, number: draft.parts, userId: draft.userId, items };
      const sealed = await this.contents.seal(part);
      await tx.sql`
        INSERT INTO export_parts (export_id, number, section, items)
        VALUES (${draft.id}, ${draft.parts}, ${section}, ${sealed})`;
      if (rows.length < PAGE_ROWS) return;
    }
  }

  private async finish(tx: EntityManager, { id, bytes }: Draft): Promise<void> {
    const [ready] = await tx.sql<[{ id: string; email: Sealed<string> }[], number]>`
      UPDATE exports SET ready_at = now(), is_complete = ${bytes < MAX_EXPORT_BYTES},
        expires_at = now() + ${EXPORT_HOURS} * interval '1 hour'
      FROM users WHERE exports.id = ${id} AND users.id = user_id RETURNING users.id, email`;
    for (const owner of ready) {
      const email = await this.contents.addressOf(tx, owner);
      const link = await this.links.create(tx, 'download_export', email);
      if (link)
        await this.mailer.send(tx, { to: email, template: 'exportReady', values: { link } });
      // Who has left meanwhile can open nothing, and asks again when it was for a while only.
      else await tx.sql`DELETE FROM exports WHERE id = ${id}`;
    }
  }
}
