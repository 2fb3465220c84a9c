// What a server costs that does the same work and protects nothing: Fastify, pg and two statements.
import Fastify from 'fastify';
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

interface Calls {
  Params: { id: string };
  Headers: { 'x-user-id': string };
  Body: { title: string; content: string };
}

const [, , databaseUrl, port, poolSize] = process.argv;
const pool = new pg.Pool({ connectionString: databaseUrl, max: Number(poolSize) });
const app = Fastify();

app.get('/v1/health/live', () => ({ status: 'ok' }));
app.get<Calls>('/v1/resources/:id', async ({ params, headers }) => {
  const { rows } = await pool.query({ ...READ, values: [params.id, headers['x-user-id']] });
  return rows[0];
});
app.get<Calls>('/v1/resources', async ({ headers }) => {
  const { rows } = await pool.query({ ...LIST, values: [headers['x-user-id']] });
  return { items: rows.slice(0, PAGE) };
});
app.post<Calls>('/v1/resources', async ({ headers, body }, reply) => {
  const values = [headers['x-user-id'], body.title, body.content];
  const { rows } = await pool.query({ ...CREATE, values });
  return reply.code(201).send(rows[0]);
});

await app.listen({ host: '127.0.0.1', port: Number(port) });
