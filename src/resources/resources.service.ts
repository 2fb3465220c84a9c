import { Injectable } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import type { Actor } from '../access/actor.js';
import { SecurityLog } from '../audit/security-log.js';
import type { Opened } from '../crypto/protection.decorators.js';
import { SealedFields } from '../crypto/sealed-fields.js';
import { isForeignKeyViolation } from '../database/database-errors.js';
import { bearerProblem, Problem } from '../http/problem.js';
import { IdempotencyService } from './idempotency.service.js';
import { asFirst, IS_OWNER, MAY_READ, MAY_WRITE } from './resource-access.js';
import { Resource, SUMMARY } from './resource.entity.js';
import type { ChangeResourceRequest, CreateResourceRequest } from './resources.dto.js';

/** Whose key seals what is written: who may write it, the statement that does so decides. */
const OWNER = `SELECT owner_id AS "ownerId" FROM resources WHERE id = $1`;

interface Removal {
  actor: Actor;
  id: string;
  version: number | undefined;
}

interface Written {
  id: string;
  content: string | undefined;
}

/** Written out: TypeORM would build it again for every read, which takes twice as long as the query. */
const READ = `SELECT ${SUMMARY}, resources.content FROM resources
  WHERE resources.id = $2 AND ${asFirst(MAY_READ)}`;

type Readable = Opened<Resource>;

/** Whether the caller has the standing that an operation needs. */
const STANDING = {
  own: `SELECT FROM resources WHERE resources.id = $2 AND ${asFirst(IS_OWNER)}`,
  write: `SELECT FROM resources WHERE resources.id = $2 AND ${asFirst(MAY_WRITE)}`,
};

@Injectable()
export class ResourcesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly idempotency: IdempotencyService,
    private readonly fields: SealedFields,
    private readonly log: SecurityLog,
  ) {}

  /** The same `key` creates once. Throws `idempotency_key_reused`, `idempotency_key_spent`. */
  async create(actor: Actor, request: CreateResourceRequest, key?: string): Promise<Readable> {
    const insert = (manager: EntityManager) => this.insert(manager, actor, request);
    try {
      if (key === undefined) return await insert(this.dataSource.manager);
      const { title, content, labels } = request;
      const same = { key, request: { title, content, labels } };
      return await this.idempotency.once(actor, same, insert, (id) => this.get(actor, id));
    } catch (error) {
      // The caller's account was deleted meanwhile.
      throw isForeignKeyViolation(error) ? bearerProblem('invalid_token', error) : error;
    }
  }

  /** Throws `not_found`, also for a resource that exists and is not the actor's to read. */
  async get(actor: Actor, id: string): Promise<Readable> {
    const [resource] = await this.dataSource.query<Resource[]>(READ, [actor.userId, id]);
    if (!resource) throw new Problem('not_found');
    return this.fields.openOne(this.dataSource, Resource, resource);
  }

  /** Throws `not_found`, `forbidden` for a reader, `version_mismatch` when somebody was faster. */
  async change(actor: Actor, id: string, version: number, changes: ChangeResourceRequest) {
    const { title, labels } = changes;
    if (Object.keys(changes).length === 0) throw nothingToChange();
    const changed = await this.dataSource.transaction(async (tx) => {
      const content = await this.sealed(tx, { id, content: changes.content });
      const { affected } = await tx
        .createQueryBuilder()
        .update(Resource)
        .set({ title, content, labels, version: () => 'version + 1', updatedAt: () => 'now()' })
        .where('id = :id AND version = :version', { id, version })
        .andWhere(MAY_WRITE, { actor: actor.userId })
        .execute();
      if (!affected) return null;
      return this.fields.openOne(tx, Resource, await tx.findOneByOrFail(Resource, { id }));
    });
    if (!changed) throw await this.refusal(actor, id, 'write');
    return changed;
  }

  /** Throws as `change` does. Without a version, whatever is there is deleted. */
  async remove(actor: Actor, id: string, version: number | undefined): Promise<void> {
    const isGone = await this.dataSource.transaction(async (tx) => {
      if (!(await this.delete(tx, { actor, id, version }))) return false;
      await this.log.record(tx, 'sensitive_delete', { userId: actor.userId, resourceId: id });
      return true;
    });
    if (!isGone) throw await this.refusal(actor, id, 'own');
  }

  /** Why a statement found nothing: missing or foreign, readable only, or changed meanwhile. */
  async refusal(actor: Actor, id: string, needed: keyof typeof STANDING) {
    await this.get(actor, id);
    const [may] = await this.dataSource.query<unknown[]>(STANDING[needed], [actor.userId, id]);
    return new Problem(may ? 'version_mismatch' : 'forbidden');
  }

  private async delete(tx: EntityManager, { actor, id, version }: Removal): Promise<boolean> {
    const query = tx
      .createQueryBuilder()
      .delete()
      .from(Resource)
      .where('id = :id', { id })
      .andWhere(IS_OWNER, { actor: actor.userId });
    if (version !== undefined) query.andWhere('version = :version', { version });
    const { affected } = await query.execute();
    return affected === 1;
  }

  private async insert(
    manager: EntityManager,
    actor: Actor,
    { title, content, labels = [] }: CreateResourceRequest,
  ): Promise<Readable> {
    const written = { id: randomUUID(), ownerId: actor.userId, title, content, labels };
    const sealed = await this.fields.seal(manager, Resource, written);
    const resource = manager.create(Resource, sealed);
    await manager.insert(Resource, resource);
    return Object.assign(resource, { content: written.content });
  }

  /** Whoever writes, it is sealed with the owner's key. */
  private async sealed(tx: EntityManager, written: Written) {
    const { id, content } = written;
    if (content === undefined) return undefined;
    const [row] = await tx.query<{ ownerId: string }[]>(OWNER, [id]);
    return row && (await this.fields.seal(tx, Resource, { id, content, ...row })).content;
  }
}

const nothingToChange = () =>
  new Problem('validation_failed', {
    errors: [{ at: '', rule: 'isNotEmpty', message: 'must change something' }],
  });
