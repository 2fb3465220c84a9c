import type { Type as Class } from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';

const PLACES = {
  body: RouteParamtypes.BODY,
  query: RouteParamtypes.QUERY,
  params: RouteParamtypes.PARAM,
} as const;

/**
 * What Nest hands to a handler without a pipe in between: each is a way around the DTOs, and the raw
 * reply one around the serializer.
 */
const UNCHECKED = new Set<number>([
  RouteParamtypes.REQUEST,
  RouteParamtypes.RESPONSE,
  RouteParamtypes.NEXT,
  RouteParamtypes.HEADERS,
  RouteParamtypes.SESSION,
  RouteParamtypes.FILE,
  RouteParamtypes.FILES,
  RouteParamtypes.HOST,
  RouteParamtypes.RAW_BODY,
  RouteParamtypes.COOKIES,
  RouteParamtypes.SIGNED_COOKIES,
]);

export type InputPlace = keyof typeof PLACES;
export interface RouteInput {
  /** The DTO; what TypeScript emitted, which is `Object` when the class was a type only. */
  dto: Class | undefined;
  /** Set when the handler asks for one property instead of the DTO. */
  property: string | undefined;
}
export type RouteInputs = { [P in InputPlace]?: RouteInput } & { unchecked: boolean };

/** The inputs that a controller's method declares. */
export function inputsOf(controller: Class, method: string): RouteInputs {
  type Arg = { index: number; data?: unknown };
  const args: Record<string, Arg> =
    Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {};
  const types: Class[] =
    Reflect.getMetadata('design:paramtypes', controller.prototype, method) ?? [];
  const entries = Object.entries(args).map(
    ([key, arg]) => [Number(key.split(':')[0]), arg] as const,
  );
  const inputs: RouteInputs = { unchecked: entries.some(([kind]) => UNCHECKED.has(kind)) };
  for (const place of Object.keys(PLACES) as InputPlace[]) {
    const ofPlace = entries.filter(([kind]) => kind === (PLACES[place] as number));
    // A careless one beside a careful one must not hide behind it.
    const arg = (ofPlace.find(([, { data }]) => typeof data === 'string') ?? ofPlace[0])?.[1];
    const property = typeof arg?.data === 'string' ? arg.data : undefined;
    if (arg) inputs[place] = { dto: types[arg.index], property };
  }
  return inputs;
}
