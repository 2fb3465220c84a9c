import { Authenticator, type Ceremony } from '../../test/support/authenticator.js';
import {
  creationOptions,
  sendAnswer,
  sendNew,
  signInOptions,
} from '../../test/support/passkeys.js';
import type { Loot } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { opens } from '../18-second-factors/people.js';

const SESSION = 'a session of Ada’s';

export type Owner = Person & { device: Authenticator };

/** Somebody whose device counts its uses, or is in the cloud and does not. Not part of the trace. */
export async function withPasskey(target: Target, name: string, counts = true): Promise<Owner> {
  const person = await target.person(name);
  const mark = target.trace.length;
  const device = new Authenticator();
  const asked = await creationOptions(person);
  const { status } = await sendNew(
    person,
    device.create({ ...asked, ...(!counts && { signCount: 0 }) }),
  );
  if (status !== 201) throw new Error(`${name} could not add the passkey`);
  target.trace.length = mark;
  return { ...person, device };
}

const asking = (target: Target, who: string) => ({ client: () => target.stranger(who) });

export const challengeFrom = (target: Target, who: string) => signInOptions(asking(target, who));

/** Signs in with what the device answers, with whatever is to be wrong about it. */
export async function signIn(
  target: Target,
  who: string,
  device: Authenticator,
  wrong: Partial<Ceremony> = {},
): Promise<string | undefined> {
  const answer = device.get({ ...(await challengeFrom(target, who)), ...wrong });
  return (await sendAnswer(target.stranger(who), answer)).body.accessToken;
}

/** Ada herself, at her own device. */
export async function adaSignsIn(target: Target, { device }: Owner, signCount?: number) {
  const said = signCount === undefined ? {} : { signCount };
  if (!(await signIn(target, 'ada', device, said))) throw new Error('Ada cannot sign in');
}

export const lootOf = async (target: Target, ada: Person, token?: string): Promise<Loot> =>
  (await opens(target, ada, token)) ? SESSION : null;
