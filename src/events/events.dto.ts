import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import { IsUserId } from '../http/user-id.js';
import { eventTypes } from './event-type.js';
import type { EventPayload } from './event-payload.js';

export class EventsQuery {
  @ApiPropertyOptional({
    example: '1042',
    description: '`next_cursor` of the previous page; absent: from the beginning',
  })
  @IsOptional()
  @Matches(/^\d{1,15}$/, { message: 'after must be the next_cursor of a page' })
  after?: string;

  @ApiPropertyOptional({
    example: 'connection.needs_relink,connection.unlinked',
    description: `types, separated by commas: ${eventTypes.join(', ')}`,
  })
  @IsOptional()
  @Matches(/^[a-z_.]{1,40}(,[a-z_.]{1,40}){0,31}$/, { message: 'types must be types of events, separated by commas' })
  types?: string;

  @ApiPropertyOptional({ example: 'user-42', description: 'your own id of the user' })
  @IsOptional()
  @IsUserId()
  user_id?: string;

  @ApiPropertyOptional({ example: '100', default: '100', description: 'events per page, 1 to 1000' })
  @IsOptional()
  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: 'limit must be a number from 1 to 1000' })
  limit?: string;
}

/** A page of the stream; its OpenAPI schema is in `event-schema.ts`. */
export interface EventPage {
  readonly events: readonly EventPayload[];
  /** Where the next page begins, also when this one is empty. */
  readonly next_cursor: string;
  readonly has_more: boolean;
}
