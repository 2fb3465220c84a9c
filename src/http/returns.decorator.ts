import { applyDecorators, HttpCode, SetMetadata, type Type as Class } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import type { ProblemCode } from './problem.js';
import { routeConfig, type BulwarkRoute } from './route-config.js';
import { serializerOf, streamerOf } from './serializer.js';

export interface Answer {
  status: number;
  /** Absent: the route declares that it returns no body. */
  dto?: Class;
  about: string;
  /** The problems of this operation's own; those that every route can answer are not listed. */
  problems: ProblemCode[];
  /** The answer has a version, which leaves as its ETag. */
  versioned?: boolean;
  /** The answer leaves as a file of this name. */
  file?: string;
}

export const ANSWER = 'bulwark:answer';

const ETag = {
  description: 'The version, to be sent in If-Match.',
  schema: { type: 'string', example: '"1"' },
} as const;

const DISPOSITION = {
  description: 'Keep it as a file.',
  schema: { type: 'string', example: 'attachment; filename="export.json"' },
} as const;

type Rest = Partial<Pick<Answer, 'about' | 'problems' | 'versioned'>>;

/** The one shape in which this route's result leaves. */
export const Returns = (status: number, dto: Class, rest: Rest = {}) =>
  declare({ about: 'Done.', problems: [], ...rest, status, dto });

/** A file of JSON in this shape, whose lists may be too long for the memory: see `streamerOf`. */
export const ReturnsFile = (file: string, dto: Class, rest: Rest = {}) =>
  declare({ about: 'The file.', problems: [], ...rest, status: 200, dto, file });

/** This route has no body to return. */
export const ReturnsNothing = (status: 202 | 204, rest: Rest = {}) =>
  declare({ about: 'Done.', problems: [], ...rest, status });

function declare(answer: Answer) {
  const { status, dto, about, versioned = false } = answer;
  const config = routeConfig({ ...serializing(answer), versioned });
  const described = ApiResponse({
    status,
    description: about,
    ...(dto && { type: dto }),
    ...(versioned && { headers: { ETag } }),
    ...(answer.file && { headers: { 'Content-Disposition': DISPOSITION } }),
  });
  return applyDecorators(SetMetadata(ANSWER, answer), HttpCode(status), config, described);
}

function serializing({ dto, file }: Answer): BulwarkRoute {
  if (!dto) return {};
  return file ? { file: { name: file, write: streamerOf(dto) } } : { serialize: serializerOf(dto) };
}
