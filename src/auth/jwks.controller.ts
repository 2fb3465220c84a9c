import { Controller, Get } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { JsonWebKey } from 'node:crypto';
import { Public } from '../access/access.decorators.js';
import { ListOf, Text } from '../http/fields.js';
import { RateLimit } from '../http/rate-limit.js';
import { Returns } from '../http/returns.decorator.js';
import { SigningKeys } from './signing-keys.js';

/** RFC 7517. The private member `d` is not among the fields, so it cannot leave. */
export class JwkResponse {
  @Text({ max: 8, example: 'EC' })
  kty!: string;

  @Text({ max: 16, example: 'P-256' })
  crv!: string;

  @Text({ max: 64, example: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU' })
  x!: string;

  @Text({ max: 64, example: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0' })
  y!: string;

  @Text({ max: 64, example: 'Zp1c0nqUe3Qm' })
  kid!: string;

  @Text({ max: 8, example: 'ES256' })
  alg!: string;

  @Text({ max: 8, example: 'sig' })
  use!: string;
}

export class JwksResponse {
  @ListOf(() => JwkResponse, { maxItems: 2 })
  keys!: JwkResponse[];
}

@ApiTags('auth')
@Controller('.well-known')
export class JwksController {
  constructor(private readonly signingKeys: SigningKeys) {}

  @Get('jwks.json')
  @ApiOperation({ summary: 'The public keys that verify access tokens' })
  @Public()
  @RateLimit('public')
  @Returns(200, JwksResponse)
  read(): { keys: JsonWebKey[] } {
    const keys = this.signingKeys.all.map(({ kid, publicKey }) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg: 'ES256',
      use: 'sig',
    }));
    return { keys };
  }
}
