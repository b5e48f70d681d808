import { ApiProperty } from '@nestjs/swagger';
import { IsString, Matches } from 'class-validator';
import { IsUserId, userIdPattern } from './user-id.js';

const providerPattern = /^\P{C}{1,100}$/u;

/** The user in a path: the company's opaque id, 1 to 255 characters, none of them invisible. */
export class UserPath {
  @ApiProperty({
    name: 'user_id',
    example: 'user-42',
    minLength: 1,
    maxLength: 255,
    description: 'your own id of the user',
  })
  @IsString()
  @IsUserId()
  user_id!: string;
}

/** The user and the provider in a path. */
export class ConnectionPath extends UserPath {
  @ApiProperty({ example: 'whoop', description: 'slug of the provider, as listed by GET /v1/providers' })
  @IsString()
  @Matches(providerPattern, { message: 'provider must be the slug of a provider' })
  provider!: string;

  /** Checks the rules of the decorators without their cost; see `RequestValidationPipe`. */
  static accepts({ user_id: userId, provider }: Readonly<ConnectionPath>): boolean {
    return userIdPattern.test(userId) && providerPattern.test(provider);
  }
}
