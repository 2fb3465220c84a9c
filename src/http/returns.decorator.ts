import { applyDecorators, HttpCode, SetMetadata, type Type as Class } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { ProblemCode } from './problem.js';
import { routeConfig } from './route-config.js';
import { serializerOf } from './serializer.js';

export interface Answer {
  status: number;
  /** Absent: the route declares that it returns no body. */
  dto?: Class;
  about: string;
  /** The problems of this operation's own; those that every route can answer are not listed. */
  problems: ProblemCode[];
  /** The answer has a version, which leaves as its ETag. */
  versioned?: boolean;
}

export const ANSWER = 'bulwark:answer';

const ETag = {
  description: 'The version, to be sent in If-Match.',
  schema: { type: 'string', example: '"1"' },
} as const;

type Rest = Partial<Pick<Answer, 'about' | 'problems' | 'versioned'>>;

/** The one shape in which this route's result leaves. */
export const Returns = (status: number, dto: Class, rest: Rest = {}) =>
  declare({ about: 'Done.', problems: [], ...rest, status, dto });

/** This route has no body to return. */
export const ReturnsNothing = (status: 202 | 204, rest: Rest = {}) =>
  declare({ about: 'Done.', problems: [], ...rest, status });

function declare(answer: Answer) {
  const { status, dto, about, versioned = false } = answer;
  const config = routeConfig({ ...(dto && { serialize: serializerOf(dto) }), versioned });
  const described = ApiResponse({
    status,
    description: about,
    ...(dto && { type: dto }),
    ...(versioned && { headers: { ETag } }),
  });
  return applyDecorators(SetMetadata(ANSWER, answer), HttpCode(status), config, described);
}
