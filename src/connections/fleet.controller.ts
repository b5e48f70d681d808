import { Controller, Get, Header, Query, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '../access/access.decorators.js';
import type { AuthenticatedRequest } from '../access/authenticated-request.js';
import { ReadReplica } from '../database/read-replica.js';
import { FleetCounts } from '../fleet/fleet-counts.js';
import { FleetStore } from '../fleet/fleet-store.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { QueryParameters } from '../http/request-rules.decorators.js';
import { TokensService } from '../tokens/tokens.service.js';
import { toConnectionResponse } from './connection-response.js';
import { readCursor, toCursor } from './fleet-cursor.js';
import { FleetPageResponse, FleetQuery, FleetStatsResponse } from './fleet.dto.js';

const defaultPageSize = 100;

/** The connections of all users. */
@ApiTags('Connections')
@ApiBearerAuth()
@Controller('v1/connections')
export class FleetController {
  constructor(
    private readonly fleet: FleetStore,
    private readonly counts: FleetCounts,
    private readonly replica: ReadReplica,
    private readonly tokens: TokensService,
  ) {}

  @Get()
  @QueryParameters('provider', 'status', 'reason', 'error', 'updated_after', 'limit', 'cursor')
  @RequireScope('fleet:read', { filtersProviders: true })
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'List connections of all users',
    description:
      'Ordered by user and provider. Follow `next_cursor` to the end, with the same filters. You then see each connection ' +
      'once, if it existed the whole time. A page examines at most 10,000 connections, so it may have few or none although ' +
      'more follow. Filters compare the stored state. A connection that ended less than a minute ago may still be found as ' +
      '`active`. The list may come from a read replica. A page has every change before its `as_of`. To get later changes, ' +
      'pass the `as_of` of the first page as `updated_after`.',
  })
  @ApiOkResponse({ type: FleetPageResponse })
  @ApiProblems()
  async list(@Query() query: FleetQuery, @Req() { caller }: AuthenticatedRequest): Promise<FleetPageResponse> {
    const { provider, status, reason, error, updated_after: updatedAfter, cursor, limit } = query;
    const filter = {
      provider,
      status,
      reason,
      error,
      updatedAfter: updatedAfter === undefined ? undefined : new Date(updatedAfter),
      providers: caller?.providers === undefined ? undefined : [...caller.providers],
    };
    const size = limit === undefined ? defaultPageSize : Number(limit);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    const { result: page, asOf } = await this.replica.read((run) => this.fleet.list(filter, size, after, run));
    return {
      connections: page.connections.map((connection) => toConnectionResponse(connection, this.tokens)),
      as_of: asOf.toISOString(),
      next_cursor: page.next === undefined ? null : toCursor(page.next),
    };
  }

  @Get('stats')
  @RequireScope('fleet:read', { filtersProviders: true })
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Count connections by provider, status and reason',
    description:
      'A worker counts once a minute, and this call returns the last counts. Without a worker this call counts, and the ' +
      'counts are up to five minutes old.',
  })
  @ApiOkResponse({ type: FleetStatsResponse })
  @ApiProblems()
  async stats(@Req() { caller }: AuthenticatedRequest): Promise<FleetStatsResponse> {
    const latest = await this.counts.latest();
    const counts = (latest?.counts ?? []).filter(({ provider }) => caller?.providers?.has(provider) !== false);
    return {
      counted_at: latest?.countedAt.toISOString() ?? null,
      connections: counts.reduce((total, { connections }) => total + connections, 0),
      counts: counts.map(({ provider, status, reason, connections }) => ({ provider, status, reason, connections })),
    };
  }
}
