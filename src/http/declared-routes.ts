import { RequestMethod, type INestApplication, type Type as Class } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/internal';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { RATE_LIMIT, type RateLimitClass } from './rate-limit.js';
import { ANSWER, type Answer } from './returns.decorator.js';
import { inputsOf, type RouteInputs } from './route-inputs.js';

/** Outside of the version: its address is fixed by RFC 8615. */
export const UNVERSIONED_PATHS = ['.well-known/jwks.json'];
export const API_PREFIX = 'v1';

/** A controller's method with everything that it declares. */
export interface DeclaredRoute {
  controller: Class;
  handler: object;
  /** `Controller.method` */
  name: string;
  method: string;
  path: string;
  inputs: RouteInputs;
  answer: Answer | undefined;
  rateLimit: RateLimitClass | undefined;
}

const read = (key: string, target: object): unknown => Reflect.getMetadata(key, target);

/** Every route of every controller that is part of the app. */
export function declaredRoutes(app: INestApplication): DeclaredRoute[] {
  const scanner = new MetadataScanner();
  const modules = [...app.get(ModulesContainer).values()];
  const controllers = modules.flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    const controller = metatype as Class;
    return scanner
      .getAllMethodNames(controller.prototype as object)
      .flatMap((method) => routesOf(controller, method));
  });
}

function routesOf(controller: Class, method: string): DeclaredRoute[] {
  const handler = (controller.prototype as Record<string, object>)[method] ?? {};
  const paths = read(PATH_METADATA, handler) as string | string[] | undefined;
  const verb = read(METHOD_METADATA, handler) as RequestMethod | undefined;
  if (paths === undefined || verb === undefined) return [];
  const prefixes = [(read(PATH_METADATA, controller) ?? '') as string | string[]].flat();
  return prefixes.flatMap((prefix) =>
    [paths].flat().map((path) => ({
      controller,
      handler,
      name: `${controller.name}.${method}`,
      method: RequestMethod[verb] ?? 'ALL',
      path: fullPath(prefix, path),
      inputs: inputsOf(controller, method),
      answer: read(ANSWER, handler) as Answer | undefined,
      rateLimit: read(RATE_LIMIT, handler) as RateLimitClass | undefined,
    })),
  );
}

function fullPath(...parts: string[]): string {
  const path = parts
    .flatMap((part) => part.split('/'))
    .filter(Boolean)
    .join('/');
  return UNVERSIONED_PATHS.includes(path) ? `/${path}` : `/${API_PREFIX}/${path}`;
}
