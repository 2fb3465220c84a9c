import type { Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const PROBLEM = 'src/http/problem.ts';
const STRICT_JSON = 'src/http/strict-json.ts';
const SENTENCE = 'title: PROBLEMS[code][1],';
const MESSAGE = '(problem.cause as Error | undefined)?.message ?? PROBLEMS[code][1]';

const wrongFixes: WrongFix[] = [
  {
    id: 'error-hide-500-only',
    title: 'Hide the message of a 500, and tell the client what it did wrong',
    why: 'A refusal has a cause as well, and the cause names a constraint, or the check that failed.',
    change: {
      edits: [
        {
          file: PROBLEM,
          find: SENTENCE,
          replace: `title: status === 500 ? PROBLEMS[code][1] : ${MESSAGE},`,
        },
      ],
    },
    opens: ['error-constraint', 'error-token-reason'],
  },
  {
    id: 'error-hide-in-production',
    title: 'Tell everything unless NODE_ENV is production',
    why: 'Staging holds the same schema, often the same data, and is on the same network.',
    change: {
      edits: [
        {
          file: PROBLEM,
          find: SENTENCE,
          replace: `title: process.env['NODE_ENV'] === 'production' ? PROBLEMS[code][1] : ${MESSAGE},`,
        },
      ],
    },
    opens: ['error-constraint', 'error-token-reason', 'error-crash'],
  },
];

export const lesson: Lesson = {
  folder: '20-errors-that-tell',
  title: 'Errors that tell',
  claim:
    'An error tells the client a code and a sentence of ours; everything else goes to the log.',
  asvs: ['13.4.2', '16.3.4', '16.5.1', '16.5.3'],
  api: ['API8:2023'],
  attacks,
  wrongFixes,
  use: async (target) => {
    const { body } = await target.stranger().post('/v1/auth/login', { email: 'no address' });
    const told = JSON.stringify(body);
    for (const word of ['validation_failed', '/email', '/password', 'requestId'])
      if (!told.includes(word)) throw new Error(`a client is not told ${word}`);
  },
  controls: [
    {
      id: 'error-sentence',
      title: 'The sentence comes from a table, by the code',
      file: PROBLEM,
      removal: { edits: [{ file: PROBLEM, find: SENTENCE, replace: `title: ${MESSAGE},` }] },
      opens: ['error-constraint', 'error-token-reason', 'error-crash'],
    },
    {
      id: 'error-without-parser',
      title: 'What the parser says is kept by nobody: it quotes the body',
      file: STRICT_JSON,
      removal: {
        edits: [
          {
            file: STRICT_JSON,
            find: [
              '  } catch {',
              "    // The parser's message quotes the body, and the body may hold a password: no cause.",
              "    throw new Problem('malformed_json');",
            ].join('\n'),
            replace: "  } catch (cause) {\n    throw new Problem('malformed_json', { cause });",
          },
        ],
      },
      opens: [],
    },
  ],
  stacks: [
    {
      controls: ['error-sentence', 'error-without-parser'],
      opens: ['error-constraint', 'error-token-reason', 'error-crash', 'error-parser-echo'],
    },
  ],
};
