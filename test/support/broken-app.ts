// A program of the tests: the app, and routes that fail in every way that a handler can.
import { Controller, Get, HttpException, Param } from '@nestjs/common';
import 'reflect-metadata';
import { Public } from '../../src/access/access.decorators.js';
import { createApp } from '../../src/app.setup.js';
import { Config } from '../../src/config/config.js';
import { Choice } from '../../src/http/fields.js';
import { RateLimit } from '../../src/http/rate-limit.js';
import { ReturnsNothing } from '../../src/http/returns.decorator.js';
import { appWith } from './test-module.js';

const LOOT = 'loot-4711';
const WAYS: Record<string, () => unknown> = {
  error: () => new Error(LOOT, { cause: new TypeError(`why-${LOOT}`) }),
  text: () => LOOT,
  nothing: () => undefined,
  null: () => null,
  frozen: () => Object.freeze({ message: LOOT, status: 200, code: LOOT }),
  http: () => new HttpException({ secret: LOOT }, 500),
  status: () => Object.assign(new Error(LOOT), { statusCode: 200, status: 200, headers: { LOOT } }),
  query: () => Object.assign(new Error('no such row'), { parameters: [LOOT], detail: LOOT }),
};

class BrokenParams {
  @Choice({ of: Object.keys(WAYS), example: 'error' })
  way!: string;
}

@Controller('broken')
class BrokenController {
  @Get(':way')
  @Public()
  @RateLimit('public')
  @ReturnsNothing(204)
  fail(@Param() { way }: BrokenParams) {
    throw WAYS[way]?.();
  }

  @Get('later/:way')
  @Public()
  @RateLimit('public')
  @ReturnsNothing(204)
  async failLater(@Param() { way }: BrokenParams) {
    await Promise.resolve();
    throw WAYS[way]?.();
  }
}

const config = new Config(process.env);
const app = await createApp(config, appWith(BrokenController)(config));
process.on('SIGTERM', () => void app.close());
await app.listen(config.port, config.host);
