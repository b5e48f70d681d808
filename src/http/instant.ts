import { applyDecorators } from '@nestjs/common';
import { IsISO8601, Matches } from 'class-validator';

/**
 * Accepts a day, or an instant with its offset, in the forms on which RFC 3339 and every JavaScript engine agree. Also
 * checks the days of a month.
 */
export const IsInstant = (): PropertyDecorator =>
  applyDecorators(
    IsISO8601({ strict: true }),
    Matches(/^\d{4}-\d\d-\d\d(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$/, {
      message: '$property must be a day or an RFC 3339 instant, such as 2026-11-01T00:00:00Z',
    }),
  );
