import { ApiProperty } from '@nestjs/swagger';
import { IsString, Matches } from 'class-validator';

/** The user in a path: the company's opaque id, 1 to 255 characters, none of them invisible. */
export class UserPath {
  @ApiProperty({ name: 'user_id', example: 'user-42', minLength: 1, maxLength: 255 })
  @IsString()
  @Matches(/^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u, { message: 'user_id must be 1 to 255 printable characters' })
  user_id!: string;
}

/** The user and the provider in a path. */
export class ConnectionPath extends UserPath {
  @ApiProperty({ example: 'whoop', description: 'slug of the provider, as listed by GET /v1/providers' })
  @IsString()
  @Matches(/^\P{C}{1,100}$/u, { message: 'provider must be the slug of a provider' })
  provider!: string;
}
