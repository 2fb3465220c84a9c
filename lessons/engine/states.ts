import type { Attack, Change, Lesson } from './lesson.js';
import { attacksOf } from './registry.js';

/** One instance to start and what must be seen on it. */
export interface State {
  kind: 'shipped' | 'removed' | 'stack' | 'wrong fix' | 'restored';
  /** The control, the wrong fix or the lesson. */
  name: string;
  lesson: Lesson;
  changes: Change[];
  attacks: Attack[];
  /** The attacks that must succeed; all others must get nothing. */
  expected: ReadonlySet<string>;
}

/** Every state of every control: what `npm run prove` goes through. */
export function statesOf(lessons: Lesson[], all: Lesson[] = lessons): State[] {
  return lessons.flatMap((lesson) => statesOfLesson(lesson, all).flatMap(splitScenarios));
}

function statesOfLesson(lesson: Lesson, all: Lesson[]): State[] {
  // An attack with a scenario needs an instance of its own, so it is tried in its own lesson only.
  const others = attacksOf(all.filter((other) => other !== lesson)).filter(
    (attack) => !attack.scenario && !attack.ownLessonOnly,
  );
  const attacks = [...lesson.attacks, ...others];
  const state = (kind: State['kind'], name: string, changes: Change[], opens: string[]): State => {
    const expected = new Set(opens);
    return { kind, name, lesson, changes, attacks, expected };
  };
  const removals = new Map(
    all.flatMap(({ controls }) => controls.map(({ id, removal }) => [id, removal] as const)),
  );
  const stackChanges = (ids: string[]) => ids.flatMap((id) => removals.get(id) ?? []);
  const plain = { ...lesson, attacks: lesson.attacks };
  return [
    { ...state('shipped', lesson.folder, [], []), attacks: plain.attacks },
    ...lesson.controls.map(({ id, removal, opens }) => state('removed', id, [removal], opens)),
    ...(lesson.stacks ?? []).map(({ controls, opens }) =>
      state('stack', controls.join(' + '), stackChanges(controls), opens),
    ),
    ...lesson.wrongFixes.map(({ id, change, opens }) => state('wrong fix', id, [change], opens)),
    { ...state('restored', lesson.folder, [], []), attacks: plain.attacks },
  ];
}

/** A scenario changes the app before the attack: each is a state of its own. */
function splitScenarios(state: State): State[] {
  const own = state.attacks.filter(({ scenario }) => scenario);
  const common = { ...state, attacks: state.attacks.filter(({ scenario }) => !scenario) };
  const alone = own.map((attack) => ({
    ...state,
    attacks: [attack],
    changes: [...state.changes, ...(attack.scenario ? [attack.scenario] : [])],
    expected: new Set([...state.expected].filter((id) => id === attack.id)),
  }));
  const expected = new Set(
    [...state.expected].filter((id) => !own.some((attack) => attack.id === id)),
  );
  // Also without attacks: as shipped, the legitimate use is tried there.
  return [{ ...common, expected }, ...alone];
}
