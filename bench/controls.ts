import type { Environment } from '../src/config/environment.js';
import type { Control, Edit } from '../lessons/engine/lesson.js';
import { controlsOf, loadLessons } from '../lessons/engine/registry.js';
import { inTurn, type Pace } from './compare.js';
import { pick } from './dataset.js';
import { run, type Measured } from './load.js';
import { grid } from './report.js';
import { READ } from './scenarios.js';
import { setGround, startApp } from './stage.js';
import { UNSAID } from './unsaid.js';

/** What reading one resource passes, and what its removal leaves able to read. */
const ON_READ_PATH = [
  'cache-no-store',
  'address-budget',
  'revocation-check',
  'deny-roles-guard',
  'user-budget',
  'deny-undeclared-input',
  'mass-declared-only',
  'bola-read-predicate',
  'data-allow-list',
  'data-nothing-around',
];
const AS_SHIPPED = 'as shipped';
const AGAIN = 'as shipped, once more (the noise)';
const ALL = 'all of these';
const HEAD = ['without', 'requests/s', 'p50 ms', 'microseconds saved a request'];

/**
 * What each control costs a read: the app as shipped and one app a removal, all on one database,
 * loaded in turn. An app that is not asked anything waits.
 */
export async function compareControls(pace: Pace): Promise<string> {
  const controls = await readControls();
  const ground = await setGround();
  const withoutPolicies = { DATABASE_URL: ground.unprotectedUrl, ...editsOf([], UNSAID) };
  const variants: [name: string, env: Environment][] = [
    [AS_SHIPPED, editsOf([])],
    [AGAIN, editsOf([])],
    ...controls.map((control): [string, Environment] => [control.title, editsOf([control])]),
    ['Row-level security: the policies and the actor', withoutPolicies],
    [ALL, { ...withoutPolicies, ...editsOf(controls, UNSAID) }],
  ];
  try {
    const servers = await Promise.all(
      variants.map(([, env]) => startApp(PROGRAM, { ...ground.env, ...env })),
    );
    const ways = servers.map(
      (server) => () =>
        run(server, { ...READ, seconds: pace.seconds, next: () => READ.next(pick(ground.owners)) }),
    );
    const measured = await inTurn(ways, pace.rounds);
    await Promise.all(servers.map((server) => server.stop()));
    return report(
      variants.map(([name]) => name),
      measured,
    );
  } finally {
    await ground.stop();
  }
}

const PROGRAM = ['--import', './lessons/engine/removal-hook.js', 'src/main.ts'];

const editsOf = (removed: Control[], more: Edit[] = []): Environment => ({
  LESSON_EDITS: JSON.stringify([...removed.flatMap(({ removal }) => removal.edits ?? []), ...more]),
});

async function readControls(): Promise<Control[]> {
  const known = controlsOf(await loadLessons());
  return ON_READ_PATH.map((id) => {
    const control = known.find((candidate) => candidate.id === id);
    if (!control) throw new Error(`There is no control ${id}`);
    return control;
  });
}

function report(names: string[], measured: Measured[]): string {
  const wrong = measured.reduce((sum, each) => sum + each.wrong, 0);
  if (wrong > 0) throw new Error(`${wrong} answers were not 2xx: the numbers mean nothing`);
  const microseconds = ({ perSecond }: Measured) => 1e6 / perSecond;
  const whole = measured[0] ? microseconds(measured[0]) : Number.NaN;
  const lines = measured.map((each, n) => [
    names[n] ?? '',
    each.perSecond.toFixed(0),
    each.p50.toFixed(1),
    n === 0 ? '' : (whole - microseconds(each)).toFixed(0),
  ]);
  return grid(HEAD, lines);
}
