import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsOptional,
  IsString,
  MaxLength,
} from 'class-validator';
import { UserPath } from '../../http/user-path.dto.js';

export class CreateLinkSessionBody extends UserPath {
  @ApiPropertyOptional({
    example: ['whoop', 'oura'],
    description: 'the providers that the user may link; all if absent',
  })
  @IsOptional()
  @ArrayUnique()
  @MaxLength(100, { each: true })
  @IsString({ each: true })
  @ArrayMaxSize(50)
  @ArrayNotEmpty()
  @IsArray()
  providers?: string[];

  @ApiPropertyOptional({
    example: 'https://app.example.com/devices',
    description:
      'where the browser goes after each link: one of the registered RETURN_URLS. If absent, it stays on the page.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(2_048)
  return_url?: string;

  @ApiPropertyOptional({ example: true, description: 'as for starting a single link' })
  @IsOptional()
  @IsBoolean()
  require_confirmation?: boolean;
}

export class LinkSessionResponse {
  @ApiProperty({ example: 'YS1saW5rLXRva2VuLW9mLTQzLWNoYXJhY3RlcnMtbG9uZw', description: '256 random bits' })
  link_token!: string;

  @ApiProperty({
    example: 'https://link.example.com/connect?link_token=...',
    description:
      'send the browser here. Only the first browser that opens it can use it. If a user has too many sessions, the oldest is voided.',
  })
  connect_url!: string;

  @ApiProperty({ example: '2026-11-22T10:10:00.000Z' })
  expires_at!: string;
}
