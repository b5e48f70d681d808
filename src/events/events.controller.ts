import { Controller, Get, Header, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiExtension, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '../access/access.decorators.js';
import type { AuthenticatedRequest } from '../access/authenticated-request.js';
import { RequestInvalidError } from '../errors/request.errors.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { partsExtension } from '../http/openapi.js';
import { QueryParameters } from '../http/request-rules.decorators.js';
import { toPayload } from './event-payload.js';
import { eventRetentionDays } from './event-purge.js';
import { exampleEvent } from './event-schema.js';
import { EventStore } from './event-store.js';
import { eventTypes, isEventType, type EventType } from './event-type.js';
import { EventUsers } from './event-users.js';
import { eventParts, eventReference } from './event-webhooks.js';
import { EventsQuery, type EventPage } from './events.dto.js';

const defaultPageSize = 100;

const pageSchema = {
  type: 'object',
  required: ['events', 'next_cursor', 'has_more'],
  properties: {
    events: { type: 'array', items: eventReference },
    next_cursor: {
      type: 'string',
      example: '1042',
      description: 'pass it as `after`; also present if the page is empty',
    },
    has_more: { type: 'boolean', example: false, description: 'whether the next page has events already' },
  },
};

@ApiTags('Events')
@ApiBearerAuth()
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly store: EventStore,
    private readonly users: EventUsers,
  ) {}

  @Get()
  @QueryParameters('after', 'types', 'user_id', 'limit')
  @RequireScope('events:read', { filtersProviders: true })
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: `List events of the last ${eventRetentionDays} days, oldest first`,
    description:
      'Keep `next_cursor` and pass it as `after` the next time: you then see every event once, in order. The events are the same that ' +
      'webhook endpoints receive. An event appears within a second after the change.',
  })
  @ApiExtension(partsExtension, eventParts())
  @ApiOkResponse({
    content: {
      'application/json': {
        schema: pageSchema,
        examples: Object.fromEntries(
          eventTypes.map((type) => [
            type,
            { value: { events: [exampleEvent(type)], next_cursor: '1042', has_more: false } },
          ]),
        ),
      },
    },
  })
  @ApiProblems()
  async list(@Query() query: EventsQuery, @Req() { caller }: AuthenticatedRequest): Promise<EventPage> {
    const size = query.limit === undefined ? defaultPageSize : Number(query.limit);
    const after = Number(query.after ?? 0);
    const providers = caller?.providers === undefined ? undefined : [...caller.providers];
    const filter = { userId: query.user_id, types: readTypes(query.types), providers };
    const found = await this.store.page(after, size + 1, filter);
    const events = found.slice(0, size);
    return {
      events: await Promise.all(events.map(async (event) => toPayload(event, await this.users.of(event)))),
      next_cursor: String(events.at(-1)?.position ?? after),
      has_more: found.length > size,
    };
  }
}

/** @throws {@link RequestInvalidError} when one is not a type of event */
function readTypes(text: string | undefined): EventType[] | undefined {
  return text?.split(',').map((type) => {
    if (!isEventType(type)) {
      throw new RequestInvalidError(`types: ${type} is not a type of event. The types are ${eventTypes.join(', ')}.`);
    }
    return type;
  });
}
