import { RefusedToStart } from './host.js';
import { startInstance } from './instance.js';
import type { Loot } from './lesson.js';
import type { State } from './states.js';
import { Target } from './target.js';
import { renderRefusal, renderTrace } from './trace.js';

export interface Observation {
  state: State;
  /** The loot of each attack that was tried. */
  loot: Map<string, Loot>;
  /** What each attack said and heard, or why the app refused to start. */
  stories: Map<string, string>;
  /** What is not as the registry says, or why nothing could be seen. Empty: proven. */
  surprises: string[];
  milliseconds: number;
}

/** Starts the state's instance, tries its attacks and compares. */
export async function observe(state: State): Promise<Observation> {
  const startedAt = performance.now();
  const loot = new Map<string, Loot>();
  const stories = new Map<string, string>();
  const surprises: string[] = [];
  try {
    surprises.push(...(await tryAll(state, loot, stories)));
  } catch (error) {
    surprises.push((error as Error).message);
  }
  surprises.push(...compare(state, loot));
  return { state, loot, stories, surprises, milliseconds: performance.now() - startedAt };
}

/** Answers why an attack could not be judged: an error is never a proof. */
async function tryAll(
  state: State,
  loot: Map<string, Loot>,
  stories: Map<string, string>,
): Promise<string[]> {
  const errors: string[] = [];
  const scenario = state.attacks.length === 1 ? state.attacks[0]?.scenario : undefined;
  const instance = await startInstance(state.changes).catch((error: unknown) => {
    const refused = error instanceof RefusedToStart && scenario?.refusal?.test(error.message);
    if (!refused) throw error;
    for (const { id } of state.attacks) {
      loot.set(id, null);
      stories.set(id, renderRefusal(error.message));
    }
  });
  if (!instance) return errors;
  try {
    const shipped = state.kind === 'shipped' || state.kind === 'restored';
    if (shipped && !scenario) await state.lesson.use(new Target(instance.url, instance));
    for (const attack of state.attacks) {
      const target = new Target(instance.url, instance);
      try {
        loot.set(attack.id, await attack.run(target));
      } catch (error) {
        errors.push(`${attack.id}: ${(error as Error).message}`);
      }
      stories.set(attack.id, renderTrace(target.trace));
    }
    return errors;
  } finally {
    await instance.stop();
  }
}

function compare({ expected }: State, loot: Map<string, Loot>): string[] {
  return [...loot].flatMap(([id, got]) => {
    if (got !== null && !expected.has(id)) return [`${id} succeeded unexpectedly: ${got}`];
    return got === null && expected.has(id) ? [`${id} got nothing`] : [];
  });
}
