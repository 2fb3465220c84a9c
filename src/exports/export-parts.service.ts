import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Sealed } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import {
  ResourceContentsService,
  type SealedContent,
} from '../resources/resource-contents.service.js';
import { AddressesService } from '../users/addresses.service.js';
import { ExportPart } from './export-part.entity.js';
import type { PageRow } from './export-pages.js';

/** What an export copies is sealed where it comes from, and again where it goes. */
@Injectable()
export class ExportPartsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly fields: SealedFields,
    private readonly contents: ResourceContentsService,
    private readonly addresses: AddressesService,
  ) {}

  /** As the owner reads them. */
  async open(rows: PageRow[]): Promise<PageRow[]> {
    const sealed = rows.filter((row): row is PageRow & SealedContent => 'content' in row);
    await this.contents.openAll(this.dataSource, sealed);
    return rows;
  }

  /**
   * By another connection than the export's: that one sees the keys as they were when it began, which may
   * be long ago.
   */
  async seal(part: { exportId: string; number: number; userId: string; items: string }) {
    return (await this.fields.seal(this.dataSource, ExportPart, part)).items;
  }

  async addressOf(tx: EntityManager, owner: { id: string; email: Sealed<string> }) {
    return (await this.addresses.open(tx, owner)).email;
  }
}
