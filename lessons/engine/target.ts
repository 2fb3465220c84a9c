import { createHash, randomBytes } from 'node:crypto';
import 'reflect-metadata';
import { PasswordHasher } from '../../src/auth/password-hasher.js';
import { createToken, hashToken } from '../../src/auth/tokens.js';
import { Client, type Answer } from '../../test/support/client.js';
import { findMailedToken } from '../../test/support/mailed-links.js';
import { queryable, sealedRows } from '../../test/support/sealed-rows.js';
import { untilRecovered } from '../../test/support/waiting.js';
import { changesHashing } from './hashes.js';
import type { Change } from './lesson.js';
import type { Instance } from './instance.js';

/** One request and its answer, for the story. */
export interface Exchange {
  who: string;
  method: string;
  path: string;
  sent?: unknown;
  status: number;
  got: unknown;
}

export interface Person {
  name: string;
  id: string;
  email: string;
  password: string;
  accessToken: string;
  refreshToken: string;
  client: TracingClient;
}

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

type Entrance = 'session' | 'password';

/** A client that writes down what it said and heard. */
export class TracingClient extends Client {
  constructor(
    private readonly who: string,
    private readonly trace: Exchange[],
    ...args: ConstructorParameters<typeof Client>
  ) {
    super(...args);
  }

  override withToken(token: string): TracingClient {
    return new TracingClient(this.who, this.trace, this.url, this.ip, token);
  }

  override async send<B>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<B>> {
    const answer = await super.send<B>(method, path, body, headers);
    // An app that breaks proves nothing, whichever way the attack went.
    if (answer.status >= 500 && answer.status !== 503)
      throw new Error(`${method} ${path} answered ${answer.status}`);
    const { status, body: got } = answer;
    this.trace.push({ who: this.who, method, path, sent: body, status, got });
    return answer;
  }
}

const newPassword = () => `plum orchid ${randomBytes(4).toString('hex')}`;
const newEmail = (name: string) => `${name}-${randomBytes(4).toString('hex')}@example.com`;
const LAB_PASSWORD = newPassword();
const LAB_HASH = new PasswordHasher().hash(LAB_PASSWORD);

/** Where the index of addresses is made in another way, it is by their plain hash. */
const changesIndex = (changes: Change[]) =>
  changes.some(({ edits = [] }) =>
    edits.some(({ file }) => file === 'src/crypto/blind-indexes.ts'),
  );
const plainIndex = (email: string) => createHash('sha256').update(email).digest();

/** An account that somebody made for the attacks on his deployment. */
export interface Account {
  email: string;
  password: string;
}

/** What an attack may touch: an address, and in the lab also what stands behind it. */
export class Target {
  readonly trace: Exchange[] = [];

  constructor(
    readonly url: string,
    private readonly instance?: Instance,
    private readonly accounts: Account[] = [],
  ) {}

  /** The lab's own instance; throws when the target is somebody's deployment. */
  get lab(): Instance {
    if (!this.instance) throw new Error('This attack needs the lab');
    return this.instance;
  }

  stranger(who = 'stranger', ip?: string): TracingClient {
    return new TracingClient(who, this.trace, this.url, ip);
  }

  /**
   * Somebody who has an account and is signed in; the trace leaves that out. `by` the password where it
   * matters: then the app has made the hash itself, and the account knows the place.
   */
  async person(name: string, by: Entrance = 'session'): Promise<Person> {
    const mark = this.trace.length;
    const client = this.stranger(name);
    const { tokens, ...credentials } = this.instance
      ? ((await this.enrolled(client, this.instance, name, by)) ??
        (await this.signedUp(client, name)))
      : await this.borrowed(client);
    if (!tokens.accessToken) throw new Error('signing in failed: not a target for this attack');
    const signedIn = client.withToken(tokens.accessToken);
    const { body } = await signedIn.get<{ id: string }>('/v1/users/me');
    this.trace.length = mark;
    return { name, id: body.id, ...credentials, ...tokens, client: signedIn };
  }

  /**
   * Opens the link that a sign-up brought to this address, if it brought one: in the lab the mails can
   * be read. The trace leaves that out.
   */
  async confirm({ email, password }: Account): Promise<void> {
    const [mark, token] = [this.trace.length, await this.mailed(email)];
    if (token) await this.stranger(email).post('/v1/auth/verify-address', { token, password });
    this.trace.length = mark;
  }

  /** The secret of the newest link that was mailed to this address. */
  async mailed(email: string): Promise<string | undefined> {
    await untilRecovered(this.lab.database);
    return findMailedToken(this.lab.database, email);
  }

  private async signedUp(client: TracingClient, name: string) {
    const credentials = { email: newEmail(name), password: newPassword() };
    await client.post('/v1/auth/register', credentials);
    await this.confirm(credentials);
    const { body: tokens } = await client.post<Tokens>('/v1/auth/login', credentials);
    return { ...credentials, tokens };
  }

  /** On somebody's deployment nobody can read the mails: each account is used once. */
  private async borrowed(client: TracingClient) {
    const account = this.accounts.shift();
    if (!account) throw new Error('This attack needs more --accounts');
    const { body: tokens } = await client.post<Tokens>('/v1/auth/login', account);
    return { ...account, tokens };
  }

  /**
   * In the lab the sign-up is a row, and mostly the sign-in, which saves their hashes; where hashes or
   * tokens are another's, nothing.
   */
  private async enrolled(
    client: TracingClient,
    { database, changes }: Instance,
    name: string,
    by: Entrance,
  ) {
    const [email, refreshToken] = [newEmail(name), createToken()];
    const newcomers = {
      emails: [email],
      passwordHash: await LAB_HASH,
      ...(changesIndex(changes) && { indexOf: plainIndex }),
    };
    const [person] = await sealedRows().createUsers(queryable(database), newcomers);
    await database.query(
      `WITH session AS (
         INSERT INTO sessions (user_id, expires_at)
         VALUES ($1, now() + interval '30 days') RETURNING id
       )
       INSERT INTO refresh_tokens (token_hash, session_id) SELECT $2, id FROM session`,
      [person?.id, hashToken(refreshToken)],
    );
    const credentials = { email, password: LAB_PASSWORD };
    if (by === 'session' && !changesHashing(changes)) {
      const { body: tokens } = await client.post<Tokens>('/v1/auth/refresh', { refreshToken });
      if (tokens.accessToken) return { ...credentials, tokens };
    }
    const { body: tokens } = await client.post<Tokens>('/v1/auth/login', credentials);
    return tokens.accessToken ? { ...credentials, tokens } : undefined;
  }

  /** A resource of somebody's, with content that is worth stealing. */
  async resource(owner: Person, content = `secret of ${owner.name}`): Promise<{ id: string }> {
    const mark = this.trace.length;
    const { body } = await owner.client.post<{ id: string }>('/v1/resources', {
      title: `${owner.name}'s plan`,
      content,
    });
    this.trace.length = mark;
    return body;
  }
}
