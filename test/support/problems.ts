import { expect } from '@jest/globals';
import { PROBLEMS, type ProblemCode } from '../../src/http/problem.js';
import { SECURITY_HEADERS } from '../../src/http/security-headers.js';

interface AnyAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** What every answer has, whatever it is. */
export function expectSafe({ status, headers, text }: AnyAnswer): void {
  expect(status).toBeLessThan(500);
  expect(Object.fromEntries(headers)).toMatchObject(SECURITY_HEADERS);
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f]{32}$/);
  expect(headers.has('x-powered-by')).toBe(false);
  expect(headers.has('server')).toBe(false);
  if (status >= 400) expectProblemBody(headers, text, status);
}

/** RFC 9457, with nothing in it but what PROBLEMS says. */
export function expectProblem(answer: AnyAnswer, code: ProblemCode): void {
  const [status] = PROBLEMS[code];
  expect(answer.text).toContain(`"code":"${code}"`);
  expect(answer.status).toBe(status);
  expectSafe(answer);
}

function expectProblemBody(headers: Headers, text: string, status: number): void {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json(; charset=utf-8)?$/);
  // An answer to HEAD has no body.
  if (text === '') return;
  const { errors, ...body } = JSON.parse(text) as { errors?: object[]; code: ProblemCode };
  const [expected, title] = PROBLEMS[body.code];
  expect(body).toEqual({
    type: `urn:bulwark:problem:${body.code}`,
    title,
    status: expected,
    code: body.code,
    requestId: headers.get('x-request-id'),
  });
  expect(expected).toBe(status);
  for (const error of errors ?? [])
    expect(Object.keys(error).toSorted()).toEqual(['at', 'message', 'rule']);
}
