import { request } from 'undici';
import { z } from 'zod';
import { version } from '../config/version.js';
import type { Finding } from './doctor.js';

const timeoutMs = 5_000;

const healthSchema = z.object({
  status: z.string(),
  version: z.string().optional(),
  detail: z.string().optional(),
  checks: z.record(z.string(), z.object({ status: z.string(), detail: z.string().optional() })).optional(),
});

/**
 * Asks a running service for its readiness, as a load balancer does.
 *
 * @param url - of the service; a path in it is kept
 */
export async function checkRunningService(url: URL): Promise<Finding[]> {
  const subject = 'running';
  const place = new URL(`${url.pathname.replace(/\/+$/, '')}/health/ready`, url);
  try {
    const response = await request(place, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
    const health = healthSchema.safeParse(await response.body.json());
    if (!health.success) {
      return [{ verdict: 'wrong', subject, text: `${place.href} is not Cufflink: status ${response.statusCode}.` }];
    }
    const { checks = {}, version: running } = health.data;
    const failed = Object.entries(checks)
      .filter(([, check]) => check.status !== 'ok')
      .map(([name, check]) => `${name} (${check.detail ?? check.status})`);
    const other =
      running === undefined || running === version ? '' : ` It runs version ${running}; this command is ${version}.`;
    return [
      response.statusCode === 200
        ? { verdict: other === '' ? 'ok' : 'note', subject, text: `ready at ${url.href}.${other}` }
        : {
            verdict: 'wrong',
            subject,
            text: `not ready at ${url.href}: ${failed.join(', ') || health.data.status}.${other}`,
          },
    ];
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    return [{ verdict: 'wrong', subject, text: `${place.href} does not respond: ${reason}` }];
  }
}
