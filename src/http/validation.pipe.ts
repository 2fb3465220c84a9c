import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import { Problem, type InputError } from './problem.js';

/** Mass assignment ends here: a property that the DTO does not declare is refused (API3:2023). */
const RULES: ValidatorOptions = {
  whitelist: true,
  forbidNonWhitelisted: true,
  forbidUnknownValues: true,
  stopAtFirstError: true,
  validationError: { target: false, value: false },
};
const MAX_ERRORS = 20;
const MAX_POINTER = 100;
/** What a cut may leave of a surrogate pair, or of "~0" and "~1". */
const HALF = /[\ud800-\udbff~]$/;

/** Turns a body, a query or route parameters into their DTO, or refuses them. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { metatype, type }: ArgumentMetadata): unknown {
    if (type === 'custom') return value;
    if (!metatype || metatype === Object) throw new TypeError('A route parameter has no DTO');
    const plain = value ?? {};
    if (typeof plain !== 'object' || Array.isArray(plain))
      throw refuse([{ at: '', rule: 'isObject', message: 'must be an object' }]);
    const dto = plainToInstance(metatype, plain) as object;
    const errors = validateSync(dto, RULES);
    if (errors.length > 0) throw refuse(errors.flatMap((error) => describe(error, '')));
    return dto;
  }
}

const refuse = (errors: InputError[]) =>
  new Problem('validation_failed', { errors: errors.slice(0, MAX_ERRORS) });

/** Names the place and the rule. The value stays out: it may be a password (ASVS 16.2.5). */
function describe(error: ValidationError, parent: string): InputError[] {
  const name = error.property.replaceAll('~', '~0').replaceAll('/', '~1');
  const at = `${parent}/${name}`.slice(0, MAX_POINTER).replace(HALF, '');
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({
    at,
    rule,
    message: rule === 'whitelistValidation' ? 'is not known here' : withoutName(message, error),
  }));
  return [...own, ...(error.children ?? []).flatMap((child) => describe(child, at))];
}

const withoutName = (message: string, { property }: ValidationError) =>
  message.replace(`each value in ${property} `, 'each item ').replace(`${property} `, '');
