// Which requests share a connection, by the options that say so.
// @options noConnectionReuse noVUConnectionReuse vus iterations
// @run default
// @run none --no-connection-reuse
// @run per-iteration --no-vu-connection-reuse
// @run env
// @env env K6_NO_CONNECTION_REUSE=true
import http from 'k6/http';
import { show } from './lib/show.js';

export const options = { vus: 1, iterations: 3 };

let last;

export default function () {
  const numbers = [1, 2, 3].map(() => http.get(`${__ENV.HTTP}/anything`).json('connection'));
  show('new since the last iteration', numbers[0] !== last);
  show('different ones', new Set(numbers).size);
  const r = http.get(`${__ENV.HTTP}/json`);
  show('connecting', r.timings.connecting > 0);
  last = r && http.get(`${__ENV.HTTP}/anything`).json('connection');
}
