import { randomBytes } from 'node:crypto';
import { Client, type Answer } from '../../test/support/client.js';
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

/** What an attack may touch: an address, and in the lab also what stands behind it. */
export class Target {
  readonly trace: Exchange[] = [];

  constructor(
    readonly url: string,
    private readonly instance?: Instance,
  ) {}

  /** The lab's own instance; throws when the target is somebody's deployment. */
  get lab(): Instance {
    if (!this.instance) throw new Error('This attack needs the lab');
    return this.instance;
  }

  stranger(who = 'stranger', ip?: string): TracingClient {
    return new TracingClient(who, this.trace, this.url, ip);
  }

  /** Signs up and in, as anybody can. The trace leaves that out. */
  async person(name: string): Promise<Person> {
    const mark = this.trace.length;
    const suffix = randomBytes(4).toString('hex');
    const email = `${name}-${suffix}@example.com`;
    const password = `plum orchid ${suffix} ${name}`;
    const client = this.stranger(name);
    await client.post('/v1/auth/register', { email, password });
    const { body: tokens } = await client.post<Tokens>('/v1/auth/login', { email, password });
    if (!tokens.accessToken) throw new Error('signing in failed: not a target for this attack');
    const signedIn = client.withToken(tokens.accessToken);
    const { body } = await signedIn.get<{ id: string }>('/v1/users/me');
    this.trace.length = mark;
    return { name, id: body.id, email, password, ...tokens, client: signedIn };
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
