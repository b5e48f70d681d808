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
    description: 'absolute, with its query, byte for byte as it will be sent; below `api.base_url` of GET .../token',
  })
  @IsString()
  @MaxLength(8_192)
  url!: string;

  @ApiPropertyOptional({
    example: 'a=1&b=2',
    description: 'the body, where it is sent as application/x-www-form-urlencoded; nothing else of a body is signed',
  })
  @IsOptional()
  @Matches(/^[\x20-\x7e]*$/, { message: 'form must be ASCII, with everything else percent-encoded' })
  form?: string;
}

export class SignResponse {
  @ApiProperty({
    example: 'OAuth oauth_consumer_key="...", oauth_token="...", oauth_signature="..."',
    description: 'send it as `Authorization`: once, with just this request',
  })
  authorization!: string;
}
