// The cookie jar: what it keeps, what it sends, how scripts change it, and that it is new in each iteration.
// @functions k6/http.cookieJar k6/http.CookieJar CookieJar.set CookieJar.clear CookieJar.delete CookieJar.cookiesForURL
// @options noCookiesReset iterations
// @run default
// @run kept
// @env kept K6_NO_COOKIES_RESET=true
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

export const options = { iterations: 2 };

const sorted = (text) => text.split('; ').sort().join('; ');

export default function () {
  const base = __ENV.HTTP;
  const sent = (path = '/cookies', params) => sorted(http.get(`${base}${path}`, params).json('cookie'));
  show('at the start', sent());
  const set = http.get(
    `${base}/set-cookies?set=${encodeURIComponent('a=1')}&set=${encodeURIComponent('b=two; Path=/cookies/deep; HttpOnly')}` +
      `&set=${encodeURIComponent('c=3; Max-Age=3600; Path=/')}&set=${encodeURIComponent('gone=x; Max-Age=0')}` +
      `&set=${encodeURIComponent('s=4; Secure; Path=/')}`,
  );
  const plain = JSON.parse(JSON.stringify(set.cookies));
  for (const list of Object.values(plain)) for (const cookie of list) cookie.expires = cookie.expires > 0;
  show('response cookies', plain);
  show('sent', sent());
  show('sent deeper', sent('/cookies/deep/er'));
  const jar = http.cookieJar();
  show('for the URL', jar.cookiesForURL(base));
  jar.set(base, 'mine', 'm', { path: '/' });
  jar.set(base, 'number', 5);
  jar.set(base, 'elsewhere', 'e', { path: '/nowhere' });
  show('with mine', sent());
  show('request.cookies', Object.keys(http.get(`${base}/cookies`).request.cookies).sort());
  show('per request', sent('/cookies', { cookies: { once: 'o', mine: 'added' } }));
  show('replaced', sent('/cookies', { cookies: { mine: { value: 'other', replace: true } } }));
  show('not kept', sent());
  jar.delete(base, 'mine');
  show('deleted', sent());
  const other = new http.CookieJar();
  other.set(base, 'other', 'jar');
  show('another jar', sent('/cookies', { jar: other }));
  attempt('not a jar', () => sent('/cookies', { jar: null }));
  http.get(`${base}/set-cookies?set=${encodeURIComponent('a=; Max-Age=-1')}`);
  show('expired by the server', sent());
  jar.clear(base);
  show('cleared', sent());
  jar.set(base, 'last', 'iteration');
  const hop = http.get(`${base}/set-cookies?set=hop%3Dyes&to=/cookies`);
  show('set on the way', [hop.url, sorted(hop.json('cookie'))]);
}
