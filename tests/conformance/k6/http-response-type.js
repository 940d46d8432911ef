// Bodies as text, as bytes, or not at all.
// @functions k6/http.get
// @options discardResponseBodies
// @run default
// @run discard --discard-response-bodies
// @run env
// @env env K6_DISCARD_RESPONSE_BODIES=true
import http from 'k6/http';
import { show } from './lib/show.js';

export default function () {
  const get = (path, responseType) => http.get(`${__ENV.HTTP}${path}`, responseType ? { responseType } : {});
  const kind = (body) => (body instanceof ArrayBuffer ? `ArrayBuffer(${body.byteLength})` : body);
  show('default', kind(get('/json-list').body));
  for (const type of ['text', 'binary', 'none']) show(type, kind(get('/json-list', type).body));
  show('bytes', Array.from(new Uint8Array(get('/bytes/260', 'binary').body)).slice(250));
  show('invalid UTF-8', Array.from(get('/invalid-utf8', 'text').body).map((c) => c.codePointAt(0)));
  show('chunked', get('/chunked/3', 'text').body);
  show('empty', kind(get('/empty', 'text').body));
  show('empty binary', kind(get('/empty', 'binary').body));
  show('no content', kind(get('/status/204', 'text').body));
  show('head', kind(http.head(`${__ENV.HTTP}/json`, { responseType: 'text' }).body));
}
