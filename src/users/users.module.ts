import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AddressesService } from './addresses.service.js';
import { CredentialsService } from './credentials.service.js';
import { ErasureService } from './erasure.service.js';
import { MeController } from './me.controller.js';
import { User } from './user.entity.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([User])],
  controllers: [MeController, UsersController],
  providers: [UsersService, CredentialsService, AddressesService, ErasureService],
  exports: [UsersService, CredentialsService, AddressesService],
})
export class UsersModule {}
