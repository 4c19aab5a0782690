import { type ApiClient, createClient } from '#api/client.ts';
import type { Target } from './target.ts';

/** The API's client for a target; opens nothing yet. */
export function connect(target: Target): ApiClient {
  if (target.kind === 'socket') return createClient({ socketPath: target.path });
  return createClient({ url: target.url, token: target.token });
}
