// Request parameters: headers, tags, timeouts, the name tag, throw.
// @functions k6/http.get
// @options throw userAgent
// @run default
// @run throw --throw
import http from 'k6/http';
import { attempt, seen, show } from './lib/show.js';

export const options = { userAgent: 'conformance/1.0' };

export default function () {
  const url = `${__ENV.HTTP}/anything`;
  show('default headers', Object.keys(http.get(url).json('headers')).sort());
  show('user agent', http.get(url).json('headers.user-agent'));
  const own = http.get(url, { headers: { 'X-Own': 'a', 'x-lower': 'b', Host: 'other.test', 'User-Agent': 'mine', 'X-Number': 5 } });
  show('own headers', seen(own, 'x-own', 'x-lower', 'host', 'user-agent', 'x-number'));
  show('request headers', Object.keys(own.request.headers).sort());
  http.get(url, { tags: { name: 'named', colour: 'blue', n: 7, yes: true } });
  http.get(url, { tags: null, headers: null });
  show('timeout in ms', http.get(`${__ENV.HTTP}/delay/2`, { timeout: 5000 }).status);
  show('unknown keys', http.get(url, { nonsense: 1 }).status);
  attempt('timeout', () => {
    const r = http.get(`${__ENV.HTTP}/delay/3000`, { timeout: '150ms' });
    return [r.status, r.error, r.error_code];
  });
  attempt('bad timeout', () => http.get(url, { timeout: 'soon' }).status);
  attempt('refused', () => http.get(__ENV.REFUSED).error_code);
  attempt('refused, throw asked for', () => http.get(__ENV.REFUSED, { throw: true }).error_code);
  attempt('refused, throw waived', () => http.get(__ENV.REFUSED, { throw: false }).error_code);
  attempt('invalid URL', () => http.get('http://a b').error_code);
  attempt('no URL', () => http.get('').error_code);
}
