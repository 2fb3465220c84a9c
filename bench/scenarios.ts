import { PASSWORD, pick, type Owner } from './dataset.js';
import type { Call } from './load.js';

export interface Scenario {
  name: string;
  connections: number;
  /** The bare server has no sign-in. */
  hasBare: boolean;
  next: (owner: Owner) => Call;
}

/** The generator stands where a proxy would stand: each request names the address of its user. */
const from = ({ id, ip, token }: Owner) => ({
  'x-forwarded-for': ip,
  authorization: `Bearer ${token}`,
  // The bare server believes whoever asks.
  'x-user-id': id,
});
const JSON_BODY = { 'content-type': 'application/json' };
const NEW_RESOURCE = JSON.stringify({ title: 'Quarterly report', content: 'Revenue went up.' });

const get = (owner: Owner, path: string): Call => ({ method: 'GET', path, headers: from(owner) });

export const READ: Scenario = {
  name: 'read one resource',
  connections: 32,
  hasBare: true,
  next: (owner) => get(owner, `/v1/resources/${pick(owner.resourceIds)}`),
};

export const LIST: Scenario = {
  name: 'list 20',
  connections: 32,
  hasBare: true,
  next: (owner) => get(owner, '/v1/resources'),
};

export const CREATE: Scenario = {
  name: 'create',
  connections: 32,
  hasBare: true,
  next: (owner) => ({
    method: 'POST',
    path: '/v1/resources',
    headers: { ...from(owner), ...JSON_BODY },
    body: NEW_RESOURCE,
  }),
};

export const SESSIONS: Scenario = {
  name: 'list sessions',
  connections: 32,
  hasBare: false,
  next: (owner) => get(owner, '/v1/users/me/sessions'),
};

export const PING: Scenario = {
  name: 'public ping',
  connections: 32,
  hasBare: true,
  next: ({ ip }) => ({
    method: 'GET',
    path: '/v1/health/live',
    headers: { 'x-forwarded-for': ip },
  }),
};

export const LOGIN: Scenario = {
  name: 'login',
  connections: 8,
  hasBare: false,
  next: ({ email, ip }) => ({
    method: 'POST',
    path: '/v1/auth/login',
    headers: { 'x-forwarded-for': ip, ...JSON_BODY },
    body: JSON.stringify({ email, password: PASSWORD }),
  }),
};
