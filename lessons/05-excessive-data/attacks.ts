import type { Attack } from '../engine/lesson.js';
import type { Target, TracingClient } from '../engine/target.js';
import { administrator } from '../02-broken-function-level-authorization/administrators.js';
import { newSecret, ownBodies, undeclaredAnswer } from './scenarios.js';

/** A thief with Ada’s token, which ends in minutes. He wants what lasts. */
async function thiefOf(target: Target): Promise<TracingClient> {
  const ada = await target.person('ada');
  return target.stranger('thief').withToken(ada.accessToken);
}

/** What an answer says; nothing when the second line answers 500, which fails closed. */
const textOf = (answer: Promise<{ text: string }>) =>
  answer.then(
    ({ text }) => text,
    () => '',
  );

const holdsHash = (text: string) => text.includes('$argon2id$');

export const attacks: Attack[] = [
  {
    id: 'data-own-hash',
    title: 'Read the profile of a stolen token, and find the hash of the password',
    run: async (target) => {
      const thief = await thiefOf(target);
      return holdsHash((await thief.get('/v1/users/me')).text)
        ? 'the hash of Ada’s password'
        : null;
    },
  },
  {
    id: 'data-list-hashes',
    title: 'List users, and find the hashes of their passwords',
    needsLab: true,
    run: async (target) => {
      const { client } = await administrator(target, 'root');
      const { text } = await client.get('/v1/users?limit=2');
      return holdsHash(text) ? 'the hashes of everybody’s passwords' : null;
    },
  },
  {
    id: 'data-new-column',
    title: 'Wait for the next secret column',
    scenario: newSecret,
    run: async (target) => {
      const thief = await thiefOf(target);
      const { text } = await thief.get('/v1/users/me');
      return text.includes('K7Q2-M9XX-41TD') ? 'the code that recovers Ada’s account' : null;
    },
  },
  {
    id: 'data-own-body',
    title: 'Call routes that write their bodies themselves',
    scenario: { edits: ownBodies },
    run: async (target) => {
      const thief = await thiefOf(target);
      if (holdsHash(await textOf(thief.get('/v1/users/me/text')))) return 'the hash, as a text';
      return holdsHash(await textOf(thief.get('/v1/users/me/file'))) ? 'the hash, as a file' : null;
    },
  },
  {
    id: 'data-undeclared-answer',
    title: 'Call a route that does not say what it answers',
    scenario: { edits: undeclaredAnswer, refusal: /has no declared answer/ },
    run: async (target) => {
      const thief = await thiefOf(target);
      const text = await textOf(thief.get('/v1/users/me/everything'));
      return holdsHash(text) ? 'the whole row, with the hash' : null;
    },
  },
];
