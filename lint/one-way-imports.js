// Imports run one way: app -> features -> audit, mail -> access -> http, crypto, database -> config.
import { dirname, join, relative, sep } from 'node:path';

const SOURCE = join(import.meta.dirname, '..', 'src');
/** Rooms that are no feature, lowest first. What is not named here is a feature. */
const RANKS = { config: 0, database: 1, crypto: 1, http: 1, access: 2, audit: 3, mail: 3 };
const FEATURE = 4;
const APP = 5;
const APP_ROOMS = new Set(['', 'commands']);

/** @param {string} file */
function roomOf(file) {
  const [room = '', ...rest] = relative(SOURCE, file).split(sep);
  return rest.length === 0 ? '' : room;
}

/** @param {string} room */
function rankOf(room) {
  if (APP_ROOMS.has(room)) return APP;
  return Object.hasOwn(RANKS, room) ? RANKS[/** @type {keyof typeof RANKS} */ (room)] : FEATURE;
}

export default {
  meta: {
    messages: {
      upwards: '{{from}}/ must not import from {{to}}/: imports run one way (see CONTRIBUTING.md).',
      inside: "From another feature import its module and its services only, not '{{specifier}}'.",
    },
  },
  /** @param {any} context */
  create(context) {
    const file = context.filename;
    if (relative(SOURCE, file).startsWith('..')) return {};
    const from = roomOf(file);
    /** @param {any} node */
    const check = (node) => {
      const specifier = node.source?.value;
      if (!specifier?.startsWith('.')) return;
      const to = roomOf(join(dirname(file), specifier));
      if (to === from) return;
      if (rankOf(to) > rankOf(from))
        context.report({ node, messageId: 'upwards', data: { from, to } });
      const bothFeatures = rankOf(to) === FEATURE && rankOf(from) === FEATURE;
      if (bothFeatures && !/\.(module|service)\.js$/.test(specifier))
        context.report({ node, messageId: 'inside', data: { specifier } });
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};
