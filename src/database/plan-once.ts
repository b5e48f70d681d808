/**
 * Options of a connection to PostgreSQL.
 *
 * Planning a statement costs as much as running it. So each connection plans it once and keeps the plan while the tables
 * grow. It must be the plan for large tables: with sequential scans on, an empty table gets one that later reads all of
 * its rows. PostgreSQL 17 and older would compile a statement that has no index, which takes longer than running it.
 */
export const planOnce = '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off';
