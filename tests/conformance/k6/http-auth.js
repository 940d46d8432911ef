// Basic and digest authentication, from the URL or a parameter.
// @functions k6/http.get k6/http.request
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

export default function () {
  const at = (credentials, path) => `${__ENV.HTTP.replace('://', `://${credentials}@`)}${path}`;
  const line = (r) => [r.status, r.url, r.request.url, r.request.headers.Authorization !== undefined];
  show('without', line(http.get(`${__ENV.HTTP}/basic-auth/ann/pw`)));
  show('in the URL', line(http.get(at('ann:pw', '/basic-auth/ann/pw'))));
  show('asked for', line(http.get(at('ann:pw', '/basic-auth/ann/pw'), { auth: 'basic' })));
  show('wrong password', line(http.get(at('ann:no', '/basic-auth/ann/pw'))));
  show('odd characters', line(http.get(at('a%40b:p%3Aw', '/basic-auth/a@b/p:w'), { tags: { name: 'odd' } })));
  show('digest', line(http.get(at('ann:pw', '/digest-auth/ann/pw'), { auth: 'digest' })));
  show('digest, wrong password', line(http.get(at('ann:no', '/digest-auth/ann/pw'), { auth: 'digest' })));
  show('digest with a query', line(http.get(at('ann:pw', '/digest-auth/ann/pw?q=1'), { auth: 'digest' })));
  show('digest post', line(http.request('POST', at('ann:pw', '/digest-auth/ann/pw'), 'body', { auth: 'digest' })));
  show('own header wins', http.get(at('ann:pw', '/anything'), { headers: { Authorization: 'Own x' } }).json('headers.authorization'));
  attempt('unknown scheme', () => http.get(at('ann:pw', '/anything'), { auth: 'secret' }).status);
}
