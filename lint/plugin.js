import approvedHashes from './approved-hashes.js';
import boundParameters from './bound-parameters.js';
import oneWayImports from './one-way-imports.js';

export default {
  meta: { name: 'bulwark' },
  rules: {
    'approved-hashes': approvedHashes,
    'bound-parameters': boundParameters,
    'one-way-imports': oneWayImports,
  },
};
