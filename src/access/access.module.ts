import { Global, Module } from '@nestjs/common';
import { RevocationFeed } from './revocation-feed.js';

@Global()
@Module({ providers: [RevocationFeed], exports: [RevocationFeed] })
export class AccessModule {}
