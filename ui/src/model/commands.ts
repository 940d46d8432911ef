// What the page can ask of the server. Each command either succeeds or throws an error whose message can be shown.

import type { RequestTimeline, StartRequest } from '../wire';

/** A header that a form of another site cannot send. */
const HEADERS = { 'X-Throng': '1', 'Content-Type': 'application/json' };

async function post(path: string, body: unknown = {}): Promise<void> {
  let answer: Response;
  try {
    answer = await fetch(`api/v1/${path}`, { method: 'POST', headers: HEADERS, body: JSON.stringify(body) });
  } catch {
    throw new Error('the server cannot be reached');
  }
  if (answer.ok) return;
  const text = await answer.text();
  let message = text.slice(0, 500);
  try {
    message = String((JSON.parse(text) as { error?: unknown }).error ?? message);
  } catch {
    // Not JSON: a proxy's answer, shown as it is.
  }
  throw new Error(message || `the server answered ${answer.status}`);
}

export const start = (request: StartRequest) => post('start', request);
export const stop = () => post('stop');
export const reset = () => post('reset');
export const pause = () => post('pause');
export const resume = () => post('resume');
export const setUsers = (users: number, spawnRate?: number) =>
  post('users', spawnRate === undefined ? { users } : { users, spawn_rate: spawnRate });

export async function requestTimeline(id: number): Promise<RequestTimeline> {
  const answer = await fetch(`api/v1/requests/${id}/timeline`);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return (await answer.json()) as RequestTimeline;
}
