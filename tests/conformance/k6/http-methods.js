// Every function that makes one request, and what arrives at the server.
// @functions k6/http.get k6/http.head k6/http.post k6/http.put k6/http.patch k6/http.del k6/http.options k6/http.request
import http from 'k6/http';
import { show } from './lib/show.js';

export default function () {
  const url = `${__ENV.HTTP}/anything/here?a=1&b=two%20words`;
  const one = (label, r) => {
    const { method, path, query, body } = r.json();
    show(label, [r.status, r.request.method, method, path, query, body]);
  };
  one('get', http.get(url));
  one('post', http.post(url, 'posted'));
  one('put', http.put(url, 'put'));
  one('patch', http.patch(url, 'patched'));
  one('del', http.del(url));
  one('del with body', http.del(url, 'deleted'));
  one('options', http.options(url));
  one('request', http.request('REPORT', url, 'custom'));
  one('request in lower case', http.request('post', url, 'lower'));
  const head = http.head(url);
  show('head', [head.status, head.request.method, head.body, head.json === undefined]);
  show('fragment', http.get(`${__ENV.HTTP}/anything#part`).json('path'));
  show('no path', http.get(__ENV.HTTP).body);
}
