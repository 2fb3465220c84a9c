import { expect } from '@jest/globals';
import type { ProblemCode } from '../../src/http/problem.js';
import type { Answer } from './client.js';

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** Expects a problem of this status and code, and nothing in it but what a problem may hold. */
export function expectProblem(answer: Answer<unknown>, status: number, code: ProblemCode): void {
  expect({ status: answer.status, ...(answer.body as object) }).toMatchObject({ status, code });
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
}

/** What an answer tells: everything but what differs from request to request anyway. */
export function tellTale({ status, headers, text }: Answer<unknown>) {
  const named = [...headers].filter(([name]) => !/^(date|x-request-id|ratelimit)$/.test(name));
  return { status, named, text: text.replace(/"requestId":"[0-9a-f]{32}"/, '') };
}

/** How many answers came with each status. */
export function countStatuses(answers: Answer<unknown>[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Follows `nextCursor` to the end; `between` runs after each page. */
export async function walk<Item>(
  read: (cursor: string | null) => Promise<Answer<Page<Item>>>,
  between: () => Promise<unknown> = async () => {},
): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const answer: Answer<Page<Item>> = await read(cursor);
    if (answer.status !== 200) throw new Error(`a page answered ${answer.status}: ${answer.text}`);
    items.push(...answer.body.items);
    cursor = answer.body.nextCursor;
    await between();
  } while (cursor !== null);
  return items;
}
