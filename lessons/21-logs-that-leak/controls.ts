import type { Control, Stack } from '../engine/lesson.js';

const HOOKS = 'src/http/request.hooks.ts';
const LOGGER = 'src/http/logger.ts';
const SETUP = 'src/app.setup.ts';
const AUTH = 'src/auth/auth.service.ts';
const DATABASE = 'src/database/data-source-options.ts';

export const controls: Control[] = [
  {
    id: 'log-route',
    title: 'The line of a request names its route, not its URL',
    file: HOOKS,
    removal: {
      edits: [{ file: HOOKS, find: 'route: request.route?.url,', replace: 'route: request.url,' }],
    },
    opens: ['log-query', 'log-mistyped'],
  },
  {
    id: 'log-error-fields',
    title: 'Of an error, five fields are logged; the values of a statement are none of them',
    file: LOGGER,
    removal: {
      edits: [
        {
          file: LOGGER,
          find: '  return {\n    name,',
          replace: '  return {\n    ...error,\n    name,',
        },
      ],
    },
    opens: ['log-error-values'],
  },
  {
    id: 'log-no-statements',
    title: 'Statements are not logged',
    file: DATABASE,
    removal: {
      edits: [{ file: DATABASE, find: 'logging: false', replace: 'logging: true' }],
    },
    opens: ['log-query', 'log-content', 'log-password-hash', 'log-error-values'],
  },
  {
    id: 'log-event-facts',
    title: 'A security event holds ids and addresses of machines, not of people',
    file: AUTH,
    removal: {
      edits: [
        {
          file: AUTH,
          find: "tell('authn_login_fail', { userId: known?.id, ip })",
          replace: "tell('authn_login_fail', { email, ip })",
        },
      ],
    },
    opens: ['log-typed-address'],
  },
  {
    id: 'log-trace-id',
    title: 'A request’s id is ours, or a W3C trace id, and no other text',
    file: LOGGER,
    removal: {
      edits: [{ file: LOGGER, find: 'TRACEPARENT.exec(header)?.[1]', replace: 'header' }],
    },
    opens: ['log-markup', 'log-padding'],
  },
  {
    id: 'log-no-default-lines',
    title: 'Fastify’s own lines about requests are off',
    file: SETUP,
    removal: {
      edits: [
        {
          file: SETUP,
          find: 'disableRequestLogging: true',
          replace: 'disableRequestLogging: false',
        },
      ],
    },
    opens: [],
  },
  {
    id: 'log-request-serializer',
    title: 'A whole request that somebody logs is no more than its method',
    file: LOGGER,
    removal: {
      edits: [
        {
          file: LOGGER,
          find: 'req: (request: { method?: string }) => ({ method: request.method }),',
          replace: '',
        },
      ],
    },
    opens: [],
  },
];

export const stacks: Stack[] = [
  {
    controls: ['log-no-default-lines', 'log-request-serializer'],
    opens: ['log-query', 'log-mistyped'],
  },
];
