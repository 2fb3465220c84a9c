// Speaks to the API as whoever signed in on this page.

/** In memory only: a script that gets in finds nothing to take along. The cookie it cannot read. */
let accessToken = '';
const WITHOUT_TOKEN = new Set(['authentication_required', 'invalid_token']);

/** What went wrong, in the API's words. */
export class Refusal extends Error {
  constructor(problem) {
    const reasons = (problem.errors ?? []).map(({ message }) => message);
    super([problem.title, ...reasons].join(' '));
    this.code = problem.code;
    this.challenge = problem.challenge;
  }
}

/** Says who asks from here on. */
export const use = (tokens) => (accessToken = tokens.accessToken);

async function request(method, path, body) {
  const response = await fetch(`/v1/${path}`, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Refusal(await response.json());
  return response;
}

async function send(...asked) {
  const text = await (await request(...asked)).text();
  return text ? JSON.parse(text) : {};
}

/** One tab after another: a refresh token that two tabs use ends the session. */
export const refresh = () =>
  navigator.locks.request('refresh', async () => {
    accessToken = '';
    use(await send('POST', 'auth/refresh', {}));
  });

/** With a new access token when there is none, or the old one is over. */
async function signedIn(work) {
  try {
    return await work();
  } catch (error) {
    if (!WITHOUT_TOKEN.has(error.code)) throw error;
    await refresh();
    return work();
  }
}

export const call = (...asked) => signedIn(() => send(...asked));

/** As `call`, for an answer that is a file. */
export const download = (...asked) => signedIn(async () => (await request(...asked)).blob());
