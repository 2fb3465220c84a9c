import { randomInt } from 'node:crypto';

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

type HeaderMap = Record<string, string>;

const randomAddress = () => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(1, 255)}`;

/** Speaks HTTP to the API as one person on one address. */
export class Client {
  /** Told of what was sent and answered with success. */
  static overhear: (sent: unknown, told: unknown) => void = () => {};

  constructor(
    readonly url: string,
    readonly ip = randomAddress(),
    readonly token?: string,
  ) {}

  withToken(token: string): Client {
    return new Client(this.url, this.ip, token);
  }

  get = <B = Record<string, unknown>>(path: string, headers?: HeaderMap) =>
    this.send<B>('GET', path, undefined, headers);
  post = <B = Record<string, unknown>>(path: string, body?: unknown, headers?: HeaderMap) =>
    this.send<B>('POST', path, body, headers);
  put = <B = Record<string, unknown>>(path: string, body?: unknown, headers?: HeaderMap) =>
    this.send<B>('PUT', path, body, headers);
  patch = <B = Record<string, unknown>>(path: string, body?: unknown, headers?: HeaderMap) =>
    this.send<B>('PATCH', path, body, headers);
  delete = <B = Record<string, unknown>>(path: string, body?: unknown, headers?: HeaderMap) =>
    this.send<B>('DELETE', path, body, headers);

  /** A body that is a string or bytes goes out as it is; anything else as JSON. */
  async send<B>(
    method: string,
    path: string,
    body?: unknown,
    headers: HeaderMap = {},
  ): Promise<Answer<B>> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        'x-forwarded-for': this.ip,
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: (raw ? body : JSON.stringify(body)) as string }),
    });
    const text = await response.text();
    const parsed =
      text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {};
    if (response.ok) Client.overhear(body, parsed);
    return { status: response.status, headers: response.headers, body: parsed as B, text };
  }
}
