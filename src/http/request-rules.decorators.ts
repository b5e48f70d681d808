import { SetMetadata } from '@nestjs/common';

export const queryMetadata = 'cufflink:query';
export const headMetadata = 'cufflink:head';

/**
 * Names the query parameters that a call takes. A call without this takes none; every other parameter is refused
 * (TE-17).
 */
export const QueryParameters = (...names: string[]) => SetMetadata(queryMetadata, names);

/**
 * Lets any query parameter through to the handler. For handlers that check parameters themselves, or whose query
 * belongs to another server. Also for browsers, which an unknown parameter must not strand (RFC 6749 section 4.1.2).
 */
export const AnyQuery = () => SetMetadata(queryMetadata, 'any');

/** Allows `HEAD` in place of `GET`: the call has no side effects, or handles the method itself. */
export const AllowHead = () => SetMetadata(headMetadata, true);
