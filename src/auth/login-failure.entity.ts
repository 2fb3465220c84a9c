import { Entity, PrimaryColumn } from 'typeorm';
import { BlindIndex } from '../crypto/protection.decorators.js';

@Entity('login_failures')
export class LoginFailure {
  @PrimaryColumn('bytea')
  @BlindIndex()
  key!: Buffer;
}
