import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '../access/access.decorators.js';
import { toEntryFacts } from '../audit/audit-entry.dto.js';
import { AuditReader } from '../audit/audit-reader.js';
import type { EntryPlace, StoredEntry } from '../audit/audit-store.js';
import { ReadReplica } from '../database/read-replica.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { QueryParameters } from '../http/request-rules.decorators.js';
import { AuditPageResponse, AuditQuery, type AuditEntryResponse } from './audit.dto.js';

const defaultPageSize = 100;

@ApiTags('Operation')
@ApiBearerAuth()
@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly audit: AuditReader,
    private readonly replica: ReadReplica,
  ) {}

  @Get()
  @QueryParameters('user_id', 'provider', 'action', 'from', 'to', 'limit', 'cursor')
  @RequireScope('audit:read')
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'List the audit trail, newest entries first',
    description: 'The list may come from a read replica. A page has every entry that was written before its `as_of`.',
  })
  @ApiOkResponse({ type: AuditPageResponse })
  @ApiProblems()
  async find(@Query() query: AuditQuery): Promise<AuditPageResponse> {
    const { user_id: userId, provider, action } = query;
    const from = query.from === undefined ? undefined : new Date(query.from);
    const to = query.to === undefined ? undefined : new Date(query.to);
    const size = query.limit === undefined ? defaultPageSize : Number(query.limit);
    const after = query.cursor === undefined ? undefined : toPlace(query.cursor);
    const filter = { userId, provider, action, from, to };
    const { result, asOf } = await this.replica.read((run) => this.audit.find(filter, size, after, run));
    return {
      entries: result.entries.map(toResponse),
      as_of: asOf.toISOString(),
      next_cursor: result.next === undefined ? null : toCursor(result.next),
    };
  }
}

function toCursor({ recordedAt, writer, sequence }: EntryPlace): string {
  return `${recordedAt.getTime()}.${writer}.${sequence}`;
}

function toPlace(cursor: string): EntryPlace {
  const [recordedMs = 0, writer = 0, sequence = 0] = cursor.split('.').map(Number);
  return { recordedAt: new Date(recordedMs), writer, sequence };
}

function toResponse(entry: StoredEntry): AuditEntryResponse {
  return {
    ...toEntryFacts(entry),
    user_digest: entry.userDigest?.toString('hex') ?? null,
    writer: entry.writer,
    sequence: entry.sequence,
  };
}
