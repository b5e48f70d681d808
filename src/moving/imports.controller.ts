import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '../access/access.decorators.js';
import { requesterOf, type AuthenticatedRequest } from '../access/authenticated-request.js';
import { mayUseProvider } from '../access/caller.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { BatchBody } from '../http/request-bodies.js';
import { idempotencyProblems, Idempotent } from '../idempotency/idempotent.decorator.js';
import { ConnectionImporter } from '../tokens/import/connection-importer.js';
import { DryRun } from '../tokens/import/dry-run.js';
import { importRefusals, type ImportedGrant, type ImportResult } from '../tokens/import/imported-grant.js';
import { ImportBody, ImportResponse, type ImportedRowResponse } from './imports.dto.js';
import { readPlainRow } from './row.js';

@ApiTags('Imports')
@ApiBearerAuth()
@Controller('v1/imports')
export class ImportsController {
  constructor(private readonly importer: ConnectionImporter) {}

  @Post()
  @HttpCode(200)
  @BatchBody()
  @RequireScope('connections:import', { filtersProviders: true })
  @Idempotent()
  @ApiOperation({
    summary: 'Import tokens that another system obtained',
    description:
      'Each row succeeds or is refused by itself. Repeating a call imports nothing twice. The other system must not use the tokens any more.',
  })
  @ApiOkResponse({ type: ImportResponse })
  @ApiProblems(...idempotencyProblems)
  async import(@Body() body: ImportBody, @Req() request: AuthenticatedRequest): Promise<ImportResponse> {
    const { caller } = request;
    const results: ImportedRowResponse[] = [];
    const grants: ImportedGrant[] = [];
    const places: number[] = [];
    body.connections.forEach((record, index) => {
      const row = readPlainRow(record);
      if ('objection' in row) {
        const detail = `${importRefusals.invalid} ${row.objection}.`;
        results[index] = { index, outcome: 'refused', reason: 'invalid', detail, warnings: [] };
      } else if (caller === undefined || !mayUseProvider(caller, row.grant.provider)) {
        results[index] = toResponse(index, { outcome: 'refused', reason: 'access_denied' });
      } else {
        grants.push(row.grant);
        places.push(index);
      }
    });
    const options = { replace: body.replace === true, dryRun: body.dry_run === true ? new DryRun() : undefined };
    const imported = await this.importer.import(grants, options, requesterOf(request));
    imported.forEach((result, at) => {
      const index = places[at] ?? at;
      results[index] = toResponse(index, result);
    });
    const count = (outcome: string): number => results.filter((result) => result.outcome === outcome).length;
    return {
      imported: count('imported'),
      already_imported: count('already_imported'),
      refused: count('refused'),
      results,
    };
  }
}

function toResponse(index: number, result: ImportResult): ImportedRowResponse {
  if (result.outcome === 'refused') {
    const { outcome, reason } = result;
    return { index, outcome, reason, detail: importRefusals[reason], warnings: [] };
  }
  const { outcome, connectionId, warnings } = result;
  return {
    index,
    outcome,
    ...(connectionId === undefined ? {} : { connection_id: connectionId }),
    warnings: [...warnings],
  };
}
