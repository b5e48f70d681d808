import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

export const callMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

export class SignBody {
  @ApiProperty({ enum: callMethods, example: 'GET' })
  @IsIn(callMethods)
  method!: (typeof callMethods)[number];

  @ApiProperty({
    example: 'https://apis.garmin.com/wellness-api/rest/dailies?uploadStartTimeInSeconds=1795000000',
    maxLength: 8_192,
    description: 'absolute URL with its query, exactly as you will send it; below `api.base_url` of GET .../token',
  })
  @IsString()
  @MaxLength(8_192)
  url!: string;

  @ApiPropertyOptional({
    example: 'a=1&b=2',
    description: 'the body, if you send it as application/x-www-form-urlencoded; no other body is signed',
  })
  @IsOptional()
  @Matches(/^[\x20-\x7e]*$/, { message: 'form must be ASCII, with all other characters percent-encoded' })
  form?: string;
}

export class SignResponse {
  @ApiProperty({
    example: 'OAuth oauth_consumer_key="...", oauth_token="...", oauth_signature="..."',
    description: 'send it as the `Authorization` header: once, with exactly this request',
  })
  authorization!: string;
}
