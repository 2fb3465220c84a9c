// What a server that protects nothing asks the database: three named statements.
import pg from 'pg';

const COLUMNS = `id, person AS "ownerId", title, labels, version,
  created_at AS "createdAt", updated_at AS "updatedAt"`;

const READ = {
  name: 'read',
  text: `SELECT ${COLUMNS}, content FROM bare.resources r
    WHERE id = $1 AND (person = $2 OR EXISTS (
      SELECT FROM bare.shares share WHERE share.resource = r.id AND share.person = $2))`,
};
const LIST = {
  name: 'list',
  text: `SELECT ${COLUMNS} FROM bare.resources WHERE person = $1
    ORDER BY created_at DESC, id DESC LIMIT 21`,
};
const CREATE = {
  name: 'create',
  text: `INSERT INTO bare.resources (person, title, content) VALUES ($1, $2, $3)
    RETURNING ${COLUMNS}, content`,
};
const PAGE = 20;

export class Statements {
  private readonly pool: pg.Pool;

  constructor(connectionString: string, max: number) {
    this.pool = new pg.Pool({ connectionString, max });
  }

  async read(id: string, person: string): Promise<unknown> {
    const { rows } = await this.pool.query({ ...READ, values: [id, person] });
    return rows[0];
  }

  async list(person: string): Promise<{ items: unknown[] }> {
    const { rows } = await this.pool.query({ ...LIST, values: [person] });
    return { items: rows.slice(0, PAGE) };
  }

  async create(person: string, title: string, content: string): Promise<unknown> {
    const { rows } = await this.pool.query({ ...CREATE, values: [person, title, content] });
    return rows[0];
  }
}
