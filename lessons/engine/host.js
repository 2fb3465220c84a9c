// Runs the app as often as it is told to, one instance after the other: each loads the sources anew, with
// its own edits and environment; the libraries, which are most of what starting takes, stay loaded.
// `node --import ./lessons/engine/removal-hook.js ./lessons/engine/host.js`
import { AsyncLocalStorage } from 'node:async_hooks';

const HANDLED = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'];
const exit = process.exit.bind(process);

/** The instance that a call comes from, also one from a timer that outlived it. */
const instances = /** @type {AsyncLocalStorage<{ lastWords: string, ended: boolean }>} */ (
  new AsyncLocalStorage()
);

/** @typedef {{ env: NodeJS.ProcessEnv, lastWords: string }} Order */

let runs = 0;

process.on('message', (/** @type {Order | 'stop'} */ order) => {
  if (order === 'stop') process.emit('SIGTERM');
  else instances.run({ lastWords: order.lastWords, ended: false }, start, order.env);
});
process.on('disconnect', () => exit());

/** @param {NodeJS.ProcessEnv} env */
function start(env) {
  process.env = { ...env };
  import(`../../src/main.ts?run=${(runs += 1)}`).then(
    () => process.send?.('loaded'),
    ({ stack }) => {
      process.stderr.write(`${stack}\n`);
      exit(1);
    },
  );
}

/** An instance that fails takes the process along; from one that ends in order nothing is left. */
process.exit = /** @type {typeof exit} */ (
  (code = process.exitCode) => {
    const instance = instances.getStore();
    if (instance?.ended) return;
    if (!instance || code) exit(code);
    instance.ended = true;
    for (const event of HANDLED) process.removeAllListeners(event);
    // Whoever has read the last words has read all that it said.
    process.stdout.write(instance.lastWords);
  }
);
