import { registerDecorator, type ValidationArguments } from 'class-validator';
import { findMetadataObjection } from './metadata.js';

/** The schema of metadata in the API description. */
export const metadataSchema = {
  type: 'object',
  additionalProperties: { type: 'string' },
  example: { clinic: 'north', plan: 'pro' },
} as const;

/** The limits of metadata, for the API description. */
export const metadataLimits =
  'your own notes, at most 16 keys and 4 KiB; keys of letters, digits, "_", "." and "-"; values are texts';

/** Accepts metadata. Names the fault of any other value. */
export function IsMetadata(): PropertyDecorator {
  return (target, property) =>
    registerDecorator({
      name: 'isMetadata',
      target: target.constructor,
      propertyName: String(property),
      options: {},
      validator: {
        validate: (value: unknown) => findMetadataObjection(value) === undefined,
        defaultMessage: (args?: ValidationArguments) => findMetadataObjection(args?.value) ?? 'metadata is not valid.',
      },
    });
}
