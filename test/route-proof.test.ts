import {
  Body,
  Controller,
  Get,
  Headers,
  Module,
  Param,
  Post,
  Query,
  Req,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { AcrossOwners, Public, Roles } from '../src/access/access.decorators.js';
import { AppModule } from '../src/app.module.js';
import type { Config } from '../src/config/config.js';
import { Text, Uuid } from '../src/http/fields.js';
import { RateLimit } from '../src/http/rate-limit.js';
import { Returns, ReturnsNothing } from '../src/http/returns.decorator.js';
import { startApp } from './support/test-app.js';
import { createTestDatabase, type TestDatabase } from './support/test-database.js';
import { appWith } from './support/test-module.js';

class Note {
  @Text({ max: 10, example: 'a' })
  text!: string;
}
class NoteParams {
  @Uuid({ example: '0b8f6a52-6a0c-4e6e-9f0a-2f5d1c7b9e31' })
  id!: string;
}
class Bare {
  text!: string;
}
/** What is left of a DTO that was imported with `import type`. */
type OnlyAType = Note;

@Controller('careful')
class Careful {
  @Post(':id')
  @Roles('user')
  @RateLimit('write')
  @Returns(201, Note)
  write(@Param() _params: NoteParams, @Body() note: Note) {
    return note;
  }
}

@Controller('careless')
class NoAccess {
  @Get('no-access')
  @RateLimit('read')
  @ReturnsNothing(204)
  read() {}
}
@Controller('careless')
class TwoAccesses {
  @Get('two-accesses')
  @Public()
  @Roles('admin')
  @RateLimit('read')
  @ReturnsNothing(204)
  read() {}
}
@Controller('careless')
class TooFar {
  @Get('too-far')
  @Roles('user', 'admin')
  @AcrossOwners()
  @RateLimit('read')
  @ReturnsNothing(204)
  read() {}
}
@Controller('careless')
class NoLimit {
  @Get('no-limit')
  @Public()
  @ReturnsNothing(204)
  read() {}
}
@Controller('careless')
class NoAnswer {
  @Get('no-answer')
  @Public()
  @RateLimit('read')
  read() {
    return { passwordHash: 'x' };
  }
}
@Controller('careless')
class BareAnswer {
  @Get('bare-answer')
  @Public()
  @RateLimit('read')
  @Returns(200, Bare)
  read() {}
}
@Controller('careless')
class TypeOnlyBody {
  @Post('type-only')
  @Public()
  @RateLimit('write')
  @ReturnsNothing(204)
  write(@Body() _note: OnlyAType) {}
}
@Controller('careless')
class BareBody {
  @Post('bare-body')
  @Public()
  @RateLimit('write')
  @ReturnsNothing(204)
  write(@Body() _note: Bare) {}
}
@Controller('careless')
class OneProperty {
  @Get('one-property')
  @Public()
  @RateLimit('read')
  @ReturnsNothing(204)
  read(@Query('q') _q: string) {}
}
@Controller('careless')
class RawRequest {
  @Get('raw')
  @Public()
  @RateLimit('read')
  @ReturnsNothing(204)
  read(@Req() _request: object) {}
}
@Controller('careless')
class RawHeaders {
  @Get('headers')
  @Public()
  @RateLimit('read')
  @ReturnsNothing(204)
  read(@Headers('x-user-id') _id: string) {}
}
@Controller('careless')
class NoParams {
  @Get('no-params/:id')
  @Public()
  @RateLimit('read')
  @ReturnsNothing(204)
  read() {}
}

/** A route that goes around Nest. */
const besideNest = (config: Config) => {
  @Module({ imports: [AppModule.with(config)] })
  class Beside {
    constructor({ httpAdapter }: HttpAdapterHost) {
      const fastify = httpAdapter.getInstance<FastifyInstance>();
      fastify.get('/debug', () => process.env);
    }
  }
  return { module: Beside };
};

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const boot = (...controllers: Type[]) => startApp({ database, module: appWith(...controllers) });

describe('an app with a careful route', () => {
  it('boots and serves it', async () => {
    const app = await boot(Careful);
    expect((await app.client().post('/v1/careful/x', {})).status).toBe(401);
    await app.close();
  });
});

describe('an app with a careless route', () => {
  it.each([
    [NoAccess, 'GET /v1/careless/no-access (NoAccess.read)', "add @Roles('user', 'admin')"],
    [TwoAccesses, 'GET /v1/careless/two-accesses (TwoAccesses.read)', 'keep one of them'],
    [TooFar, 'GET /v1/careless/too-far (TooFar.read)', 'is for users and has @AcrossOwners()'],
    [NoLimit, 'GET /v1/careless/no-limit (NoLimit.read)', "add @RateLimit('read')"],
    [NoAnswer, 'GET /v1/careless/no-answer (NoAnswer.read)', 'add @Returns(200, SomeResponse)'],
    [BareAnswer, 'GET /v1/careless/bare-answer (BareAnswer.read)', 'Bare, which has no fields'],
    [TypeOnlyBody, 'POST /v1/careless/type-only (TypeOnlyBody.write)', 'import it without "type"'],
    [BareBody, 'POST /v1/careless/bare-body (BareBody.write)', 'which validates nothing'],
    [OneProperty, 'GET /v1/careless/one-property (OneProperty.read)', 'take the whole DTO'],
    [RawRequest, 'GET /v1/careless/raw (RawRequest.read)', 'takes the raw request'],
    [RawHeaders, 'GET /v1/careless/headers (RawHeaders.read)', 'takes the raw request'],
    [NoParams, 'GET /v1/careless/no-params/:id (NoParams.read)', 'add @Param()'],
  ])('does not boot: %p', async (controller, route, cure) => {
    const refusal = await boot(controller).then(
      () => 'booted',
      (error: Error) => error.message,
    );
    expect(refusal).toContain('Insecure routes do not boot');
    expect(refusal).toContain(route);
    expect(refusal).toContain(cure);
  });

  it('names every fault at once', async () => {
    await expect(boot(NoAccess, NoLimit, NoAnswer)).rejects.toThrow(
      /no-access[^]*no-limit[^]*no-answer/,
    );
  });

  it('does not boot when the route stands outside of every controller', async () => {
    await expect(startApp({ database, module: besideNest })).rejects.toThrow(
      "GET /debug stands outside of every controller: make it a controller's method",
    );
  });

  it('leaves no connection behind', async () => {
    await expect(boot(NoAccess)).rejects.toThrow('Insecure routes do not boot');
    const rows = await database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'bulwark%'`,
    );
    expect(rows).toHaveLength(0);
  });
});
