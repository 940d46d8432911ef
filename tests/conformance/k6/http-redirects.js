// Redirects: how many are followed, what the response is then, and what becomes of method and body.
// @functions k6/http.get k6/http.request
// @options maxRedirects
// @run default
// @run two --max-redirects 2
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

const to = (path, status) => `${__ENV.HTTP}/redirect-to?status=${status}&url=${encodeURIComponent(path)}`;

export default function () {
  const line = (r) => [r.status, r.url, r.request.url, r.request.method, (r.body || '').slice(0, 30)];
  attempt('three', () => line(http.get(`${__ENV.HTTP}/redirect/3`)));
  attempt('none wanted', () => line(http.get(`${__ENV.HTTP}/redirect/3`, { redirects: 0 })));
  attempt('one wanted', () => line(http.get(`${__ENV.HTTP}/redirect/3`, { redirects: 1 })));
  attempt('more than the default', () => line(http.get(`${__ENV.HTTP}/redirect/12`)));
  attempt('more allowed', () => line(http.get(`${__ENV.HTTP}/redirect/12`, { redirects: 15 })));
  for (const status of [301, 302, 303, 307, 308]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const r = http.request(method, to('/anything', status), method === 'GET' ? null : 'body');
      attempt(`${method} ${status}`, () => [r.status, r.json('method'), r.json('body'), r.json('headers.content-length')]);
    }
  }
  attempt('head', () => line(http.head(`${__ENV.HTTP}/redirect/1`)));
  attempt('headers go along', () => http.get(to('/anything', 302), { headers: { 'X-Own': 'x' } }).json('headers.x-own'));
  attempt('to another server', () => http.get(to(`${__ENV.RAW}/until-close`, 302)).body);
  attempt('to a bad URL', () => line(http.get(to('http://%zz', 302))));
  attempt('without location', () => line(http.get(`${__ENV.HTTP}/status/302`)));
  attempt('to a refused port', () => {
    const r = http.get(to(__ENV.REFUSED, 302));
    return [r.status, r.error_code, r.url];
  });
}
