import type { Loot } from './lesson.js';

/** What the first try that tells brought: undefined is one that a busy machine kept from telling. */
export async function firstThatTells(...tries: (() => Promise<Loot | undefined>)[]): Promise<Loot> {
  for (const attempt of tries) {
    const loot = await attempt();
    if (loot !== undefined) return loot;
  }
  return null;
}
