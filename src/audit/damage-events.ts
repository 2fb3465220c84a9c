import { Injectable } from '@nestjs/common';
import { DamageReports } from '../crypto/damage.js';
import { SecurityLog } from './security-log.js';

/** Records each value that does not open: who can write to the database tried to. */
@Injectable()
export class DamageEvents {
  constructor(damage: DamageReports, log: SecurityLog) {
    damage.listen((place) => log.tell('data_integrity_fail', place));
  }
}
