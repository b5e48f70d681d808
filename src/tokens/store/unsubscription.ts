/**
 * SQL: deletes the rows of the subscriptions of removed connections. A foreign key does the same, but none can refer to
 * a distributed table.
 *
 * @param removed - a part of the WITH clause with the user and provider of the removed rows
 */
export function deleteSubscriptions(removed: string): string {
  return `DELETE FROM subscriptions USING ${removed}
    WHERE subscriptions.user_id = ${removed}.user_id AND subscriptions.provider = ${removed}.provider`;
}
