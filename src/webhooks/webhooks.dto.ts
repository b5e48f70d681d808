import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsISO8601,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { eventTypes, type EventType } from '../events/event-type.js';
import { attemptOutcomes, type AttemptOutcome } from './attempt-store.js';

const idExample = '5f0e1d2c-3b4a-4958-8776-655443322110';
const eventExample = 'd2b1a7c4-5e6f-4a3b-8c9d-0e1f2a3b4c5d';
const instantExample = '2026-11-30T10:00:00.000Z';
const slug = /^[a-z0-9-]{1,100}$/;

export class EndpointPath {
  @ApiProperty({ example: idExample, description: 'id of the endpoint' })
  @IsUUID('all', { message: 'endpoint_id must be the id of an endpoint' })
  endpoint_id!: string;
}

export class ChangeEndpointBody {
  @ApiPropertyOptional({ example: 'https://app.example.com/cufflink', description: 'a public https URL' })
  @IsOptional()
  @IsString()
  @MaxLength(2_048)
  url?: string;

  @ApiPropertyOptional({
    enum: eventTypes,
    isArray: true,
    example: ['connection.needs_relink'],
    description: 'empty: all',
  })
  @IsOptional()
  @ArrayUnique()
  @IsIn(eventTypes, { each: true })
  @ArrayMaxSize(50)
  @IsArray()
  event_types?: EventType[];

  @ApiPropertyOptional({
    example: ['whoop'],
    type: [String],
    nullable: true,
    description: 'slugs of providers; null: all. Events without a provider are always sent',
  })
  @ValidateIf(({ providers }: ChangeEndpointBody) => providers !== undefined && providers !== null)
  @ArrayUnique()
  @Matches(slug, { each: true, message: 'providers must be slugs of providers' })
  @ArrayMaxSize(100)
  @IsArray()
  providers?: string[] | null;

  @ApiPropertyOptional({
    enum: ['enabled', 'disabled'],
    example: 'enabled',
    description: 'enable an endpoint again that was disabled; deliveries in its queue then continue',
  })
  @IsOptional()
  @IsIn(['enabled', 'disabled'])
  status?: 'enabled' | 'disabled';
}

export class CreateEndpointBody {
  @ApiProperty({ example: 'https://app.example.com/cufflink', description: 'a public https URL' })
  @IsString()
  @MaxLength(2_048)
  url!: string;

  @ApiPropertyOptional({
    enum: eventTypes,
    isArray: true,
    example: ['connection.needs_relink'],
    description: 'absent or empty: all',
  })
  @IsOptional()
  @ArrayUnique()
  @IsIn(eventTypes, { each: true })
  @ArrayMaxSize(50)
  @IsArray()
  event_types?: EventType[];

  @ApiPropertyOptional({
    example: ['whoop'],
    type: [String],
    description: 'slugs of providers; absent: all. Events without a provider are always sent',
  })
  @IsOptional()
  @ArrayUnique()
  @Matches(slug, { each: true, message: 'providers must be slugs of providers' })
  @ArrayMaxSize(100)
  @IsArray()
  providers?: string[];
}

export class EndpointResponse {
  @ApiProperty({ example: idExample })
  id!: string;

  @ApiProperty({ example: 'https://app.example.com/cufflink' })
  url!: string;

  @ApiProperty({ example: ['connection.needs_relink'], type: [String], description: 'empty: all' })
  event_types!: string[];

  @ApiProperty({ example: null, nullable: true, type: [String], description: 'null: all' })
  providers!: string[] | null;

  @ApiProperty({ enum: ['enabled', 'disabled'], example: 'enabled' })
  status!: string;

  @ApiProperty({
    enum: ['failing', 'gone', 'call'],
    example: null,
    nullable: true,
    type: String,
    description: 'failing: every delivery failed for days; gone: it responded with 410; call: you disabled it',
  })
  disabled_reason!: string | null;

  @ApiProperty({ example: null, nullable: true, type: String, description: 'since when every delivery has failed' })
  failing_since!: string | null;

  @ApiProperty({ example: instantExample })
  created_at!: string;
}

export class NewEndpointResponse extends EndpointResponse {
  @ApiProperty({
    example: 'whsec_QW5FeGFtcGxlU2VjcmV0T2ZUaGlydHlUd29CeXRlcyE=',
    description: 'signs every delivery; shown only now',
  })
  secret!: string;
}

export class RotatedSecretResponse extends NewEndpointResponse {
  @ApiProperty({ example: '2026-12-01T10:00:00.000Z', description: 'until then the previous secret signs too' })
  previous_secret_expires_at!: string;
}

export class EndpointListResponse {
  @ApiProperty({ type: [EndpointResponse], description: 'the oldest first' })
  endpoints!: EndpointResponse[];
}

export class AttemptsQuery {
  @ApiPropertyOptional({ enum: attemptOutcomes, example: 'failed', description: 'only attempts with this outcome' })
  @IsOptional()
  @IsIn(attemptOutcomes)
  outcome?: AttemptOutcome;

  @ApiPropertyOptional({ example: eventExample, description: 'id of an event' })
  @IsOptional()
  @IsUUID('all', { message: 'event_id must be the id of an event' })
  event_id?: string;

  @ApiPropertyOptional({ example: '100', default: '100', description: 'attempts per page, 1 to 1000' })
  @IsOptional()
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: 'limit must be a number from 1 to 1000' })
  limit?: string;

  @ApiPropertyOptional({ example: '1042', description: '`next_cursor` of the previous page' })
  @IsOptional()
  @Matches(/^\d{1,15}$/, { message: 'cursor must be the next_cursor of a page' })
  cursor?: string;
}

export class AttemptResponse {
  @ApiProperty({ example: eventExample })
  event_id!: string;

  @ApiProperty({ example: 'connection.needs_relink' })
  event_type!: string;

  @ApiProperty({ example: 1, description: 'counts the attempts of one delivery' })
  attempt!: number;

  @ApiProperty({ example: instantExample })
  attempted_at!: string;

  @ApiProperty({ example: 87 })
  duration_ms!: number;

  @ApiProperty({
    enum: attemptOutcomes,
    example: 'delivered',
    description: 'retrying: another attempt follows; failed: no attempt follows, resend the event',
  })
  outcome!: AttemptOutcome;

  @ApiProperty({ example: 204, nullable: true, type: Number, description: 'null: no response' })
  http_status!: number | null;

  @ApiProperty({
    example: null,
    nullable: true,
    type: String,
    description: 'why there was no response, such as TIMEOUT',
  })
  error_code!: string | null;

  @ApiProperty({ example: null, nullable: true, type: String })
  next_attempt_at!: string | null;
}

export class AttemptListResponse {
  @ApiProperty({ type: [AttemptResponse], description: 'newest first' })
  attempts!: AttemptResponse[];

  @ApiProperty({ example: null, nullable: true, type: String, description: 'null: last page' })
  next_cursor!: string | null;
}

export class ResendBody {
  @ApiProperty({ example: eventExample, description: 'id of the event' })
  @IsUUID('all', { message: 'event_id must be the id of an event' })
  event_id!: string;
}

export class ResendFailedBody {
  @ApiProperty({ example: '2026-11-28T00:00:00Z', description: 'RFC 3339; inclusive' })
  @IsISO8601({ strict: true })
  @IsString()
  since!: string;
}

export class ResentResponse {
  @ApiProperty({ example: 17, description: 'events that are queued for delivery' })
  queued!: number;
}

export class TestEventResponse {
  @ApiProperty({ example: eventExample })
  event_id!: string;
}
