import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdempotencyKey } from './idempotency-key.entity.js';
import { IdempotencyService } from './idempotency.service.js';
import { ResourceContentsService } from './resource-contents.service.js';
import { ResourceListsService } from './resource-lists.service.js';
import { ResourceShare } from './resource-share.entity.js';
import { Resource } from './resource.entity.js';
import { ResourcesController } from './resources.controller.js';
import { ResourcesService } from './resources.service.js';
import { SharesController } from './shares.controller.js';
import { SharesService } from './shares.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Resource, ResourceShare, IdempotencyKey])],
  controllers: [ResourcesController, SharesController],
  providers: [
    ResourcesService,
    ResourceContentsService,
    ResourceListsService,
    SharesService,
    IdempotencyService,
  ],
  exports: [ResourceContentsService],
})
export class ResourcesModule {}
