// What a server costs that does the same work and protects nothing: Fastify, pg and three statements.
import Fastify from 'fastify';
import { Statements } from './statements.js';

interface Calls {
  Params: { id: string };
  Headers: { 'x-user-id': string };
  Body: { title: string; content: string };
}

const [, , databaseUrl = '', port, poolSize] = process.argv;
const statements = new Statements(databaseUrl, Number(poolSize));
const app = Fastify();

app.get('/v1/health/live', () => ({ status: 'ok' }));
app.get<Calls>('/v1/resources/:id', ({ params, headers }) =>
  statements.read(params.id, headers['x-user-id']),
);
app.get<Calls>('/v1/resources', ({ headers }) => statements.list(headers['x-user-id']));
app.post<Calls>('/v1/resources', async ({ headers, body }, reply) => {
  const created = await statements.create(headers['x-user-id'], body.title, body.content);
  return reply.code(201).send(created);
});

await app.listen({ host: '127.0.0.1', port: Number(port) });
