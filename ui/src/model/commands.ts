// What the page can ask of the server. Each command either succeeds or throws an error whose message can be shown.

import type { ClassChange, Comparison, PastRuns, RequestTimeline, Snapshot, StartRequest } from '../wire';

/** A header that a form of another site cannot send. */
const HEADERS = { 'X-Throng': '1', 'Content-Type': 'application/json' };

const ask = (path: string, request: RequestInit) => askAt(`api/v1/${path}`, request);

async function askAt(path: string, request: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, request);
  } catch {
    throw new Error('the server cannot be reached');
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let message = text.slice(0, 500);
  try {
    message = String((JSON.parse(text) as { error?: unknown }).error ?? message);
  } catch {
    // Not JSON: a proxy's answer, shown as it is.
  }
  throw new Error(message || `the server answered ${answer.status}`);
}

const post = (path: string, body: unknown = {}) =>
  ask(path, { method: 'POST', headers: HEADERS, body: JSON.stringify(body) });
const get = async <T>(path: string) => (await (await ask(path, {})).json()) as T;

export const start = (request: StartRequest) => post('start', request);
export const stop = () => post('stop');
export const reset = () => post('reset');
export const pause = () => post('pause');
export const resume = () => post('resume');
export const setUsers = (users: number, spawnRate?: number) =>
  post('users', spawnRate === undefined ? { users } : { users, spawn_rate: spawnRate });

/** Without `max` as many as before may be. */
export const scale = (vus: number, max?: number) =>
  post('scale', max === undefined ? { vus } : { vus, max_vus: max });

export const changeClass = (change: ClassChange) =>
  askAt('user', { method: 'POST', headers: HEADERS, body: JSON.stringify(change) });

export const requestTimeline = (id: number) => get<RequestTimeline>(`requests/${id}/timeline`);

/** The data of the tables that a locustfile adds: it puts them beside Locust's statistics. */
export async function extendedStats(): Promise<{ key: string; data: Record<string, unknown>[] }[]> {
  const answer = await fetch('stats/requests');
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  const found = (await answer.json()) as { extended_stats?: unknown; extendedStats?: unknown };
  const stats = found.extended_stats ?? found.extendedStats;
  return Array.isArray(stats) ? stats : [];
}

export const pastRuns = () => get<PastRuns>('history');
export const pastSnapshot = (id: number) => get<Snapshot>(`history/${id}/snapshot`);
export const deleteRun = (id: number) => ask(`history/${id}`, { method: 'DELETE', headers: HEADERS });
export const setBaseline = (id: number, baseline: boolean) => post(`history/${id}/baseline`, { baseline });
export const renameRun = (id: number, name: string) => post(`history/${id}/name`, { name });
export const compareRuns = (base: number, run: number, tolerance: string) =>
  get<Comparison>(compareQuery('compare', base, run, tolerance));

export const compareQuery = (path: string, base: number, run: number, tolerance: string) =>
  `${path}?${new URLSearchParams({ base: String(base), run: String(run), tolerance })}`;
