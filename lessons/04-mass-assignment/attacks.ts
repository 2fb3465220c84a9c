import type { Attack } from '../engine/lesson.js';
import type { Person, Target } from '../engine/target.js';
import { signInAgain } from '../02-broken-function-level-authorization/administrators.js';
import { carelessBodies } from './scenario.js';

interface Profile {
  email: string;
  role: string;
}

/** What the database says of somebody, asked anew: a change of the role ends the sessions. */
async function profileOf(target: Target, person: Person): Promise<Partial<Profile>> {
  const { client } = await signInAgain(target, person);
  return (await client.get<Partial<Profile>>('/v1/users/me')).body;
}

const becomesAdmin = async (target: Target, person: Person) =>
  (await profileOf(target, person)).role === 'admin' ? 'the role of an administrator' : null;

/** The second line may answer 500, which fails closed: what counts is the role afterwards. */
const tryTo = (request: Promise<unknown>) => request.catch(() => null);

export const attacks: Attack[] = [
  {
    id: 'mass-profile-role',
    title: 'Send a role with one’s display name',
    run: async (target) => {
      const eve = await target.person('eve');
      await eve.client.patch('/v1/users/me', { displayName: 'Eve', role: 'admin' });
      return becomesAdmin(target, eve);
    },
  },
  {
    id: 'mass-profile-email',
    title: 'Send another address with one’s display name',
    run: async (target) => {
      const eve = await target.person('eve');
      const email = eve.email.replace('eve', 'ceo');
      await eve.client.patch('/v1/users/me', { displayName: 'Eve', email });
      const { body } = await eve.client.get<Partial<Profile>>('/v1/users/me');
      return body.email === email ? 'an address that nobody verified' : null;
    },
  },
  {
    id: 'mass-register-role',
    title: 'Send a role when signing up',
    needsLab: true,
    run: async (target) => {
      const eve = { ...(await target.person('eve')) };
      eve.email = eve.email.replace('eve', 'second-eve');
      const { email, password } = eve;
      await target.stranger('eve').post('/v1/auth/register', { email, password, role: 'admin' });
      await target.confirm(eve);
      return becomesAdmin(target, eve);
    },
  },
  {
    id: 'mass-take-ownership',
    title: 'Send an owner with a change of what was shared',
    run: async (target) => {
      const [ada, eve] = await Promise.all([target.person('ada'), target.person('eve')]);
      const path = `/v1/resources/${(await target.resource(ada)).id}`;
      await ada.client.put(`${path}/shares/${eve.id}`, { permission: 'write' });
      await eve.client.patch(path, { title: 'mine', ownerId: eve.id }, { 'if-match': '"1"' });
      const { body } = await eve.client.get<{ ownerId?: string }>(path);
      return body.ownerId === eve.id ? 'Ada’s resource, now Eve’s own' : null;
    },
  },
  {
    id: 'mass-plant',
    title: 'Send another’s id as the owner of something new',
    run: async (target) => {
      const [ada, eve] = await Promise.all([target.person('ada'), target.person('eve')]);
      await eve.client.post('/v1/resources', { title: 'bait', content: '', ownerId: ada.id });
      const { body } = await ada.client.get<{ items?: { ownerId: string }[] }>('/v1/resources');
      const planted = body.items?.some(({ ownerId }) => ownerId === ada.id);
      return planted ? 'Eve’s bait among Ada’s resources' : null;
    },
  },
  {
    id: 'mass-careless-body',
    title: 'Send a role to routes whose body has no rules',
    scenario: {
      edits: carelessBodies,
      refusal: /has no class for its body|validates nothing/,
    },
    run: async (target) => {
      const eve = await target.person('eve');
      for (const method of ['PATCH', 'PUT'])
        await tryTo(eve.client.send(method, '/v1/users/me/preferences', { role: 'admin' }));
      return becomesAdmin(target, eve);
    },
  },
];
