/** Connections that have the same provider, status and reason. */
export interface ConnectionCount {
  readonly provider: string;
  readonly status: 'active' | 'needs_relink';
  readonly reason: string | null;
  readonly connections: number;
}

/** All connections, counted at one moment. */
export interface FleetCount {
  readonly countedAt: Date;
  readonly counts: readonly ConnectionCount[];
}
