import { proveByPasskey, sendAnswer, STEP_UP, stepUpOptions } from '../../test/support/passkeys.js';
import type { Attack, Loot } from '../engine/lesson.js';
import type { Target } from '../engine/target.js';
import { adaSignsIn, challengeFrom, lootOf, signIn, withPasskey, type Owner } from './people.js';

const AT_ONCE = 6;

/** Ada touches her device on a page that Eve made, and Eve passes on what it signs. */
const pages: Attack[] = [
  ['passkey-neighbour-page', 'a page on another host of the site', 'http://blog.localhost:3000'],
  ['passkey-other-port', 'a page of another service on the same host', 'http://localhost:8080'],
].map(([id = '', page = '', origin = '']) => ({
  id,
  title: `Have Ada sign our challenge on ${page}`,
  run: async (target) => {
    const ada = await withPasskey(target, 'ada');
    return lootOf(target, ada, await signIn(target, 'eve', ada.device, { origin }));
  },
}));

/** Eve has what Ada's device once sent: from a log, or from a machine that she sat at. */
const answers: Attack[] = [
  {
    id: 'passkey-replay',
    title: 'Send the answer again that has signed Ada in',
    run: async (target) => {
      const ada = await withPasskey(target, 'ada', false);
      const answer = ada.device.get({ ...(await challengeFrom(target, 'ada')), signCount: 0 });
      await sendAnswer(target.stranger('ada'), answer);
      const { body } = await sendAnswer(target.stranger('eve'), answer);
      return lootOf(target, ada, body.accessToken);
    },
  },
  {
    id: 'passkey-at-once',
    title: 'Send one answer many times at the same moment',
    run: async (target) => {
      const ada = await withPasskey(target, 'ada', false);
      const answer = ada.device.get({ ...(await challengeFrom(target, 'eve')), signCount: 0 });
      const sent = await Promise.all(
        Array.from({ length: AT_ONCE }, () => sendAnswer(target.stranger('eve'), answer)),
      );
      const sessions = sent.filter(({ status }) => status === 200).length;
      return sessions > 1 ? 'more sessions than one for one touch' : null;
    },
  },
  {
    id: 'passkey-prepared',
    title: 'Have Ada’s device sign a challenge of Eve’s own making, and use it when it suits',
    run: async (target) => {
      const ada = await withPasskey(target, 'ada', false);
      const answer = ada.device.get({
        challenge: Buffer.alloc(32, 'eve').toString('base64url'),
        rpId: 'localhost',
        signCount: 0,
      });
      const { body } = await sendAnswer(target.stranger('eve'), answer);
      return lootOf(target, ada, body.accessToken);
    },
  },
];

/** Eve found Ada's key on a table. She can touch it; she does not know its PIN. */
const found: Attack[] = [
  {
    id: 'passkey-found',
    title: 'Sign in with a security key that Ada left lying about',
    run: async (target) => {
      const ada = await withPasskey(target, 'ada');
      return lootOf(target, ada, await signIn(target, 'eve', ada.device, { unverified: true }));
    },
  },
  {
    id: 'passkey-found-step-up',
    title: 'Freshen Ada’s open session with it',
    run: async (target) => {
      const ada = await withPasskey(target, 'ada');
      const answer = ada.device.get({ ...(await stepUpOptions(ada)), unverified: true });
      const { body } = await ada.client.post<{ accessToken?: string }>(STEP_UP, answer);
      return body.accessToken ? 'a fresh session of Ada’s' : null;
    },
  },
];

/** Eve read the key out of Ada's device. It works on, in two hands. */
const copyWith = (title: string, id: string, signCount: number): Attack => ({
  id,
  title,
  run: async (target) => {
    const ada = await withPasskey(target, 'ada');
    await adaSignsIn(target, ada, 7);
    return lootOf(target, ada, await signIn(target, 'eve', ada.device, { signCount }));
  },
});
const copies: Attack[] = [
  copyWith('Sign in with a copy of the key that has counted less', 'passkey-copy-older', 5),
  copyWith('The same with a copy that has counted as far', 'passkey-copy-same', 7),
  copyWith('The same with a copy that does not count', 'passkey-copy-zero', 0),
];

async function challengeOf(target: Target, { email, password }: Owner): Promise<string> {
  const { body } = await target
    .stranger('eve')
    .post<{ challenge?: { token: string } }>('/v1/auth/login', { email, password });
  return body.challenge?.token ?? '';
}

/** Eve has a passkey, too: her own. */
const own: Attack[] = [
  {
    id: 'passkey-own-second',
    title: 'Answer the challenge of Ada’s password with one’s own passkey',
    run: async (target) => {
      const [ada, eve] = [await withPasskey(target, 'ada'), await withPasskey(target, 'eve')];
      const challenge = await challengeOf(target, ada);
      const answer = eve.device.get({ challenge, rpId: 'localhost' });
      const { body } = await proveByPasskey(target.stranger('eve'), challenge, answer);
      return lootOf(target, ada, body.accessToken);
    },
  },
  {
    id: 'passkey-own-step-up',
    title: 'Freshen a stolen session with one’s own passkey',
    run: async (target): Promise<Loot> => {
      const [ada, eve] = [await withPasskey(target, 'ada'), await withPasskey(target, 'eve')];
      const answer = eve.device.get(await stepUpOptions(ada));
      const { body } = await ada.client.post<{ accessToken?: string }>(STEP_UP, answer);
      return body.accessToken ? 'a fresh session of Ada’s' : null;
    },
  },
];

/** The device signs for the PUBLIC_URL of the lab: an address alone does not tell it. */
export const attacks: Attack[] = [...pages, ...answers, ...found, ...copies, ...own].map(
  (attack) => ({ ...attack, needsLab: true }),
);
