// batch: every form of a request, results in the shape of the argument, and the two limits.
// @functions k6/http.batch
// @options batch batchPerHost
// @run default
// @run one-by-one --batch 1
// @run per-host --batch-per-host 2
// @near 6
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

export default function () {
  const url = (path) => `${__ENV.HTTP}${path}`;
  const list = http.batch([
    url('/anything/string'),
    ['GET', url('/anything/array')],
    ['POST', url('/anything/body'), 'body', { tags: { kind: 'array' }, headers: { 'X-Own': 'b' } }],
    { method: 'PUT', url: url('/anything/object'), body: 'object', params: { tags: { kind: 'object' } } },
    { url: url('/anything/default-method') },
    { method: 'GET', url: url('/status/404') },
    ['POST', url('/anything/form'), { a: 1 }],
    http.url`${__ENV.HTTP}/anything/template`,
  ]);
  show('list', list.map((r) => (r.status === 200 ? [r.json('method'), r.json('path'), r.json('body')] : r.status)));
  const named = http.batch({ front: url('/anything/f'), back: { method: 'POST', url: url('/anything/b'), body: 'x' } });
  show('object', Object.keys(named).sort().map((key) => [key, named[key].json('path'), named[key].json('method')]));
  show('empty', http.batch([]));
  const start = Date.now();
  http.batch([1, 2, 3, 4].map(() => url('/delay/200')));
  const took = Date.now() - start;
  show('waves of 200 ms', Math.round(took / 200 - 0.2));
  const some = http.batch([url('/json'), __ENV.REFUSED]);
  show('one fails', some.map((r) => [r.status, r.error_code]));
  attempt('no argument', () => http.batch());
  attempt('no URL', () => http.batch([{ method: 'GET' }]).map((r) => r.error_code));
  show('GET bodies are dropped', http.batch([['GET', url('/anything'), 'dropped']])[0].json('body'));
}
