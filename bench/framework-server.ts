// The same once more in Nest, and nothing else: what is under the app's line here is the framework's.
import 'reflect-metadata';
import { Body, Controller, Get, Headers, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Statements } from './statements.js';

const [, , databaseUrl = '', port, poolSize] = process.argv;
const statements = new Statements(databaseUrl, Number(poolSize));

@Controller('v1')
class UnprotectedController {
  @Get('health/live')
  live() {
    return { status: 'ok' };
  }

  @Get('resources/:id')
  read(@Param('id') id: string, @Headers('x-user-id') person: string) {
    return statements.read(id, person);
  }

  @Get('resources')
  list(@Headers('x-user-id') person: string) {
    return statements.list(person);
  }

  @Post('resources')
  create(@Headers('x-user-id') person: string, @Body() body: { title: string; content: string }) {
    return statements.create(person, body.title, body.content);
  }
}

@Module({ controllers: [UnprotectedController] })
class UnprotectedModule {}

const app = await NestFactory.create(UnprotectedModule, new FastifyAdapter(), { logger: false });
await app.listen(Number(port), '127.0.0.1');
