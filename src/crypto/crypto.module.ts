import { Global, Module } from '@nestjs/common';
import { BlindIndexes } from './blind-indexes.js';
import { DamageReports } from './damage.js';
import { DataKeys } from './data-keys.js';
import { KeyWrapper } from './key-wrapper.js';
import { LocalKeyWrapper } from './local-key-wrapper.js';
import { SealedFields } from './sealed-fields.js';

const SERVICES = [DataKeys, SealedFields, BlindIndexes, DamageReports];

@Global()
@Module({
  // The place for a KMS.
  providers: [{ provide: KeyWrapper, useClass: LocalKeyWrapper }, ...SERVICES],
  exports: [KeyWrapper, ...SERVICES],
})
export class CryptoModule {}
