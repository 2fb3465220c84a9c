import type { Attack, Change, Edit, Lesson } from './lesson.js';
import { attacksOf } from './registry.js';

/** One instance to start and what must be seen on it. */
export interface State {
  kind: 'shipped' | 'removed' | 'sweep' | 'stack' | 'wrong fix' | 'restored';
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

/**
 * Two thirds of what an attack takes is the hashing of passwords. Where the attacks of all other
 * lessons are swept over a removal, a second edit makes it cheap; a lesson's own attacks always meet
 * the app with nothing changed but its control.
 */
const CHEAP_HASHES: Edit = {
  file: 'src/auth/password-hasher.ts',
  find: 'memoryCost: 19_456, timeCost: 2',
  replace: 'memoryCost: 8, timeCost: 1',
};

function statesOfLesson(lesson: Lesson, all: Lesson[]): State[] {
  const known = attacksOf(all);
  const state = (kind: State['kind'], name: string, changes: Change[], opens: string[]): State => {
    const strangers = known.filter(({ id }) => opens.includes(id));
    const attacks = [...new Set([...lesson.attacks, ...strangers])];
    return { kind, name, lesson, changes, attacks, expected: new Set(opens) };
  };
  const removals = new Map(
    all.flatMap(({ controls }) => controls.map(({ id, removal }) => [id, removal] as const)),
  );
  const stackChanges = (ids: string[]) => ids.flatMap((id) => removals.get(id) ?? []);
  return [
    state('shipped', lesson.folder, [], []),
    ...lesson.controls.flatMap(({ id, removal, opens }) => {
      const removed = state('removed', id, [removal], opens);
      return [removed, sweepOf(removed, known)];
    }),
    ...(lesson.stacks ?? []).map(({ controls, opens }) =>
      state('stack', controls.join(' + '), stackChanges(controls), opens),
    ),
    ...lesson.wrongFixes.map(({ id, change, opens }) => state('wrong fix', id, [change], opens)),
    state('restored', lesson.folder, [], []),
  ];
}

/** The attacks of all other lessons on the same removal: none may succeed that is not expected to. */
function sweepOf(removed: State, known: Attack[]): State {
  const attacks = known.filter(
    (attack) => !removed.attacks.includes(attack) && !attack.scenario && !attack.ownLessonOnly,
  );
  const edits = removed.changes.flatMap((change) => change.edits ?? []);
  const hashes = edits.some(({ file }) => file === CHEAP_HASHES.file) ? [] : [CHEAP_HASHES];
  const changes = [...removed.changes, { edits: hashes }];
  return { ...removed, kind: 'sweep', changes, attacks, expected: new Set() };
}

/** A scenario changes the app before the attack: each is a state of its own, where it can tell. */
function splitScenarios(state: State): State[] {
  const all = state.attacks.filter(({ scenario }) => scenario);
  const variants = state.kind === 'stack' || state.kind === 'wrong fix';
  const own = variants ? all.filter(({ id }) => state.expected.has(id)) : all;
  const common = { ...state, attacks: state.attacks.filter((attack) => !all.includes(attack)) };
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
