// Speaks to the API as whoever signed in on this page.

/** In memory only: a script that gets in finds nothing to take along. The cookie it cannot read. */
let accessToken = '';

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

async function send(method, path, body) {
  const response = await fetch(`/v1/${path}`, {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : {};
  if (!response.ok) throw new Refusal(answer);
  return answer;
}

/** One tab after another: a refresh token that two tabs use ends the session. */
export const refresh = () =>
  navigator.locks.request('refresh', async () => {
    accessToken = '';
    use(await send('POST', 'auth/refresh', {}));
  });

/** As `send`, with a new access token when the old one is over. */
export async function call(method, path, body) {
  try {
    return await send(method, path, body);
  } catch (error) {
    if (error.code !== 'invalid_token') throw error;
    await refresh();
    return send(method, path, body);
  }
}
