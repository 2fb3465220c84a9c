import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Hashed, Plain } from '../crypto/protection.decorators.js';

@Entity('sessions')
export class Session {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  @Plain('as coarse as "Firefox on Linux": nothing of what the client wrote')
  device!: string;

  @Column('cidr', { nullable: true })
  @Plain('the network and not the address, for its owner to recognize')
  network!: string | null;
}

@Entity('refresh_tokens')
export class RefreshToken {
  @PrimaryColumn('bytea', { name: 'token_hash' })
  @Hashed()
  tokenHash!: Buffer;
}
