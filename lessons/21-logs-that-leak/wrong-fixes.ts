import type { WrongFix } from '../engine/lesson.js';

const HOOKS = 'src/http/request.hooks.ts';
const LOGGER = 'src/http/logger.ts';
const ROUTE = 'route: request.route?.url,';

export const wrongFixes: WrongFix[] = [
  {
    id: 'log-url-without-secrets',
    title: 'Log the URL, and blot out "token" and "password"',
    why: 'What is private has no list of names: a search term is none of the two.',
    change: {
      edits: [
        {
          file: HOOKS,
          find: ROUTE,
          replace: "route: request.url.replace(/(token|password)=[^&]*/g, '$1=***'),",
        },
      ],
    },
    opens: ['log-query', 'log-mistyped'],
  },
  {
    id: 'log-url-of-unknown-routes',
    title: 'Log the route where there is one, and else the URL',
    why: 'A mistyped path carries the same query as a right one.',
    change: {
      edits: [{ file: HOOKS, find: ROUTE, replace: 'route: request.route?.url ?? request.url,' }],
    },
    opens: ['log-mistyped'],
  },
  {
    id: 'log-redact-by-path',
    title: 'Log whole errors, and have the logger remove "err.parameters"',
    why: 'The error was wrapped on its way: the values are at "err.cause.parameters" now.',
    change: {
      edits: [
        {
          file: LOGGER,
          find: '  return {\n    name,',
          replace: '  return {\n    ...error,\n    name,',
        },
        {
          file: LOGGER,
          find: 'level: config.logLevel,',
          replace:
            "level: config.logLevel,\n    redact: { paths: ['err.parameters'], remove: true },",
        },
      ],
    },
    opens: ['log-error-values'],
  },
  {
    id: 'log-trace-id-without-markup',
    title: 'Take any trace id without "<" and ">"',
    why: 'Text that may have any length fills the disk, and the next viewer interprets other characters.',
    change: {
      edits: [
        {
          file: LOGGER,
          find: 'TRACEPARENT.exec(header)?.[1]',
          replace: "header.replace(/[<>]/g, '')",
        },
      ],
    },
    opens: ['log-padding'],
  },
];
