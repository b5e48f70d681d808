import { expect } from '@jest/globals';
import type { TestApplication } from './application.js';

export interface ConnectionBody {
  connection_id: string;
  user_id: string;
  provider: string;
  status: string;
  needs_relink: boolean;
  scopes_granted: string[];
  scopes_missing: string[];
  scopes_unrequested: string[];
  expires_at: string | null;
  refresh_expires_at: string | null;
  linked_at: string;
  last_refreshed_at: string | null;
  last_error: unknown;
}

export interface BearerBody {
  token_type: string;
  access_token: string;
  expires_at: string;
  scopes: string[];
}

export interface OAuth1Body {
  token_type: string;
  token: string;
  token_secret: string;
  expires_at: null;
  scopes: string[];
}

/** Reads a connection that exists. */
export async function getConnection(application: TestApplication, user: string, slug: string): Promise<ConnectionBody> {
  const response = await application.api.get(`/v1/users/${user}/connections/${slug}`).expect(200);
  return response.body as ConnectionBody;
}

/** Gets a token, and checks that no cache may keep it. */
export async function getToken<Body extends BearerBody | OAuth1Body>(
  application: TestApplication,
  user: string,
  slug: string,
): Promise<Body> {
  const response = await application.api.get(`/v1/users/${user}/connections/${slug}/token`).expect(200);
  expect(response.headers['cache-control']).toBe('no-store');
  return response.body as Body;
}

/** Whether a user has a connection to a provider, active or ended. */
export async function isConnected({ api }: Pick<TestApplication, 'api'>, user: string, slug: string): Promise<boolean> {
  return (await api.get(`/v1/users/${user}/connections/${slug}`)).status === 200;
}
