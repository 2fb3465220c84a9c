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

interface Argument {
  kind: number;
  index: number;
  data?: unknown;
}

/** The inputs that a controller's method declares. */
export function inputsOf(controller: Class, method: string): RouteInputs {
  const found = argumentsOf(controller, method);
  const types: Class[] =
    Reflect.getMetadata('design:paramtypes', controller.prototype, method) ?? [];
  const inputs: RouteInputs = { unchecked: found.some(({ kind }) => UNCHECKED.has(kind)) };
  for (const place of Object.keys(PLACES) as InputPlace[]) {
    const ofPlace = found.filter(({ kind }) => kind === (PLACES[place] as number));
    // A careless one beside a careful one must not hide behind it.
    const argument = ofPlace.find(({ data }) => typeof data === 'string') ?? ofPlace[0];
    if (argument) inputs[place] = { dto: types[argument.index], property: propertyOf(argument) };
  }
  return inputs;
}

function argumentsOf(controller: Class, method: string): Argument[] {
  const metadata: Record<string, Omit<Argument, 'kind'>> = Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    controller,
    method,
  ) ?? {};
  return Object.entries(metadata).map(([key, rest]) => ({
    kind: Number(key.split(':')[0]),
    ...rest,
  }));
}

const propertyOf = ({ data }: Argument) => (typeof data === 'string' ? data : undefined);
