import { withCheapHashes } from './hashes.js';
import type { Attack, Change, Lesson, Stack } from './lesson.js';
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
  /** Of a sweep over several removals at once: the sweep over each of them alone. */
  alone?: State[];
}

/** Every state of every control: what `npm run prove` goes through. */
export function statesOf(lessons: Lesson[], all: Lesson[] = lessons): State[] {
  const states = lessons.flatMap((lesson) => statesOfLesson(lesson, all));
  const removed = states.filter(({ kind }) => kind === 'removed');
  const sweeps = sweepTogether(removed, all);
  return [...states.flatMap(splitScenarios), ...sweeps];
}

function statesOfLesson(lesson: Lesson, all: Lesson[]): State[] {
  const known = attacksOf(all);
  const state = (kind: State['kind'], name: string, changes: Change[], opens: string[]): State => {
    const strangers = known.filter(({ id }) => opens.includes(id));
    // What nobody expects of a removal is tried in the sweeps.
    const attacks = [...new Set([...lesson.attacks, ...strangers])].filter(
      (attack) => kind !== 'removed' || opens.includes(attack.id) || !isSwept(attack, lesson),
    );
    return { kind, name, lesson, changes, attacks, expected: new Set(opens) };
  };
  const removals = new Map(
    all.flatMap(({ controls }) => controls.map(({ id, removal }) => [id, removal] as const)),
  );
  const stackChanges = (ids: string[]) => ids.flatMap((id) => removals.get(id) ?? []);
  return [
    state('shipped', lesson.folder, [], []),
    ...lesson.controls.map(({ id, removal, opens }) => state('removed', id, [removal], opens)),
    ...(lesson.stacks ?? []).map(({ controls, opens }) =>
      state('stack', controls.join(' + '), stackChanges(controls), opens),
    ),
    ...lesson.wrongFixes.map(({ id, change, opens }) =>
      state('wrong fix', id, withCheapHashes([change], lesson.attacks), opens),
    ),
    state('restored', lesson.folder, [], []),
  ];
}

/** So many removals at once share a sweep. */
const TOGETHER = 14;

const isSwept = (attack: Attack, lesson: Lesson): boolean =>
  !attack.scenario &&
  (attack.swept === undefined ||
    (attack.swept === 'in its lesson' && lesson.attacks.includes(attack)));

/** What is to be tried against a removal and must get nothing. */
interface Sweep {
  removed: State;
  attacks: Attack[];
}

/**
 * All attacks on each removal: none may succeed that is not expected to. Several removals share an
 * instance: if nothing gets through without all of them, nothing does without one.
 * What one of them is expected to let through is left out, and tried against the others in a second
 * round, in groups of which nobody expects it.
 */
function sweepTogether(removed: State[], all: Lesson[]): State[] {
  const stacks = all.flatMap((lesson) => lesson.stacks ?? []);
  const known = attacksOf(all);
  // Two of one lesson never share a group, so those of the largest are placed first.
  const ordered = removed.toSorted(
    (one, other) => other.lesson.controls.length - one.lesson.controls.length,
  );
  const sweeps = ordered.map((state) => ({
    removed: state,
    attacks: known.filter(
      (attack) => isSwept(attack, state.lesson) && !state.expected.has(attack.id),
    ),
  }));
  const first = groupsOf(sweeps, apart(stacks));
  const rest = first.flatMap((group) => group.map(leftOut(group)));
  const second = groupsOf(
    rest.filter(({ attacks }) => attacks.length > 0),
    (one, other) => apart(stacks)(one, other) && canTryAll(one, other) && canTryAll(other, one),
  );
  return [...first, ...second].map((group) => {
    const alone = group.map((sweep) => stateOf([sweep]));
    return { ...stateOf(group), ...(group.length > 1 && { alone }) };
  });
}

type Fits = (one: Sweep, other: Sweep) => boolean;

function groupsOf(sweeps: Sweep[], fits: Fits): Sweep[][] {
  const groups: Sweep[][] = [];
  for (const sweep of sweeps) {
    const fitting = groups.find(
      (group) => group.length < TOGETHER && group.every((other) => fits(sweep, other)),
    );
    if (fitting) fitting.push(sweep);
    else groups.push([sweep]);
  }
  return groups;
}

/** Of two lessons, not one behind the other, and no change in the same place. */
const apart =
  (stacks: Stack[]): Fits =>
  ({ removed: one }, { removed: other }) =>
    one.lesson !== other.lesson &&
    !stacks.some(({ controls }) => [one, other].every(({ name }) => controls.includes(name))) &&
    !placesOf(one).some((place) => placesOf(other).includes(place));

const placesOf = ({ changes }: State): string[] =>
  changes.flatMap(({ edits = [], sql, env = {} }) => [
    ...edits.map(({ file }) => file),
    ...(sql ? [sql] : []),
    ...Object.keys(env),
  ]);

const canTryAll: Fits = ({ attacks }, { removed }) =>
  !attacks.some(({ id }) => removed.expected.has(id));

const leftOut = (group: Sweep[]) => {
  const expected = new Set(group.flatMap(({ removed }) => [...removed.expected]));
  return ({ removed, attacks }: Sweep): Sweep => ({
    removed,
    attacks: attacks.filter(({ id }) => expected.has(id)),
  });
};

function stateOf(group: Sweep[]): State {
  const [first] = group.map(({ removed }) => removed) as [State];
  const changes = group.flatMap(({ removed }) => removed.changes);
  const attacks = [...new Set(group.flatMap((sweep) => sweep.attacks))];
  return {
    kind: 'sweep',
    name: group.map(({ removed }) => removed.name).join(' + '),
    lesson: first.lesson,
    changes: withCheapHashes(changes, attacks),
    attacks: attacks.filter(({ id }) => !group.some(({ removed }) => removed.expected.has(id))),
    expected: new Set(),
  };
}

/** A scenario changes the app before the attack: each is a state of its own, where it can tell. */
function splitScenarios(state: State): State[] {
  const all = state.attacks.filter(({ scenario }) => scenario);
  const shipped = state.kind === 'shipped' || state.kind === 'restored';
  // Restored, an instance with a scenario would be the very one of the shipped app.
  const own = state.kind === 'shipped' ? all : all.filter(({ id }) => state.expected.has(id));
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
  // Also without attacks: as shipped, the legitimate use is tried there, and an idle control has its row.
  const isEmpty = !shipped && common.attacks.length === 0 && alone.length > 0;
  return isEmpty ? alone : [{ ...common, expected }, ...alone];
}
