import type { SandboxNotify } from '../../provider-kit/definition/sandbox-notification.js';

/** Withings: a form, not signed. */
export const withingsSandboxNotification: SandboxNotify = ({
  kind,
  accountIds: [accountId = ''],
  occurredAt,
  number,
}) => {
  const seconds = Math.floor(occurredAt.getTime() / 1_000);
  const fields = {
    deauthorized: { appli: '46', action: 'unlink' },
    account_deleted: { appli: '46', action: 'delete' },
    data: { appli: '44', startdate: String(seconds - 28_000), enddate: String(seconds + number) },
    permissions_changed: undefined,
  }[kind];
  return (
    fields && {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ userid: accountId, ...fields }).toString(),
    }
  );
};
