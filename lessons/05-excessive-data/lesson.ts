import type { Control, Edit, Lesson, WrongFix } from '../engine/lesson.js';
import { attacks } from './attacks.js';

const HOOKS = 'src/http/request.hooks.ts';
const PROOF = 'src/http/route-proof.ts';
const SERIALIZER = 'src/http/serializer.ts';
const ENTITY = 'src/users/user.entity.ts';

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

/** The places in the source that removals and wrong fixes change. */
const PICK = 'const body = pick(payload) as';
const selectHash = edit(
  ENTITY,
  "{ name: 'password_hash', select: false }",
  "{ name: 'password_hash' }",
);
const without = (key: string) =>
  `const body = JSON.parse(JSON.stringify(payload, (key, value) => (key === '${key}' ? undefined : value))) as`;

const controls: Control[] = [
  {
    id: 'data-allow-list',
    title: 'The answer is copied field by field, as its DTO declares',
    file: HOOKS,
    removal: { edits: [edit(HOOKS, PICK, 'const body = payload as')] },
    opens: ['data-new-column'],
  },
  {
    id: 'data-hash-unread',
    title: 'The hash of a password is not read unless a query names it',
    file: ENTITY,
    removal: { edits: [selectHash] },
    opens: [],
  },
  {
    id: 'data-nothing-around',
    title: 'A body that did not pass the serializer is not sent',
    file: HOOKS,
    removal: {
      edits: [
        edit(
          HOOKS,
          'if (empty || reply.bodyIsAllowed || request.route?.asset) return done();',
          'return done();',
        ),
      ],
    },
    opens: ['data-own-body'],
  },
  {
    id: 'data-answer-proof',
    title: 'A route that does not declare its answer does not boot',
    file: PROOF,
    removal: {
      edits: [edit(PROOF, '[answers, isLimited, takesDtosOnly]', '[isLimited, takesDtosOnly]')],
    },
    opens: [],
  },
  {
    id: 'data-no-answer-declared',
    title: 'An object without a declaration is not serialized',
    file: HOOKS,
    removal: {
      edits: [
        edit(
          HOOKS,
          "if (!pick) throw new TypeError('A route returned a body and declares none');",
          'if (!pick) return payload;',
        ),
      ],
    },
    opens: [],
  },
];

const wrongFixes: WrongFix[] = [
  {
    id: 'data-delete-password',
    title: 'Select the whole row and leave out “password”',
    why: 'The property is called passwordHash: a list of names to leave out is as good as its spelling.',
    change: { edits: [selectHash, edit(HOOKS, PICK, without('password'))] },
    opens: ['data-own-hash', 'data-list-hashes', 'data-new-column'],
  },
  {
    id: 'data-exclude-hash',
    title: 'Mark the hash as excluded',
    why: 'What is left out is named, what is let out is not: the next secret column goes out by default.',
    change: { edits: [selectHash, edit(HOOKS, PICK, without('passwordHash'))] },
    opens: ['data-new-column'],
  },
  {
    id: 'data-outer-object-only',
    title: 'Pick the fields of the answer, not of what lies in it',
    why: 'A page of users has two fields, and one of them holds the users.',
    change: {
      edits: [selectHash, edit(SERIALIZER, '? nested(shape) :', '? (value: unknown) => value :')],
    },
    opens: ['data-list-hashes'],
  },
  {
    id: 'data-texts-only',
    title: 'Stop texts that go around the serializer',
    why: 'A file or a stream is no text, and goes around it as well.',
    change: {
      edits: [
        edit(
          HOOKS,
          'if (empty || reply.bodyIsAllowed ||',
          "if (empty || typeof payload !== 'string' || reply.bodyIsAllowed ||",
        ),
      ],
    },
    opens: ['data-own-body'],
  },
];

export const lesson: Lesson = {
  folder: '05-excessive-data',
  title: 'Excessive data',
  claim:
    'What the answer’s DTO does not name does not leave, whatever was read and whatever the handler returned.',
  asvs: ['15.3.1', '8.2.3', '14.2.6', '11.4.2'],
  api: ['API3:2023'],
  use: async (target) => {
    const ada = await target.person('ada');
    const { body } = await ada.client.get('/v1/users/me');
    const names = Object.keys(body).toSorted().join(' ');
    if (names !== 'createdAt displayName email id role') throw new Error(`a profile has ${names}`);
  },
  attacks,
  controls,
  stacks: [
    {
      controls: ['data-allow-list', 'data-hash-unread'],
      opens: ['data-own-hash', 'data-list-hashes', 'data-new-column'],
    },
    {
      controls: ['data-answer-proof', 'data-no-answer-declared', 'data-nothing-around'],
      opens: ['data-own-body', 'data-undeclared-answer'],
    },
  ],
  wrongFixes,
};
