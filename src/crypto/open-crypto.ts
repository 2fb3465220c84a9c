import type { Config } from '../config/config.js';
import { BlindIndexes } from './blind-indexes.js';
import { DamageReports } from './damage.js';
import { DataKeys } from './data-keys.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { SealedFields } from './sealed-fields.js';

/** The same services as CryptoModule's, for a program that is not the app. */
export function openCrypto(config: Config) {
  const wrapper = new LocalKeyWrapper(config);
  const keys = new DataKeys(wrapper);
  const damage = new DamageReports();
  const fields = new SealedFields(keys, damage);
  return { wrapper, keys, fields, damage, indexes: new BlindIndexes(config) };
}
