// Encoded responses are decoded; request bodies are encoded when asked.
// @functions k6/http.get k6/http.post
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

export default function () {
  for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'gzip, br']) {
    attempt(encoding, () => {
      const r = http.get(`${__ENV.HTTP}/encoded/${encodeURIComponent(encoding)}`);
      return [r.json('compressed'), r.headers['Content-Encoding'], r.error_code];
    });
  }
  for (const compression of ['gzip', 'deflate', 'br', 'zstd', 'gzip, deflate']) {
    attempt(`send ${compression}`, () => {
      const r = http.post(`${__ENV.HTTP}/anything`, 'to be compressed, to be compressed', { compression }).json();
      return [r.body, r.headers['content-encoding']];
    });
  }
  attempt('own header', () =>
    http.post(`${__ENV.HTTP}/anything`, 'x', { compression: 'gzip', headers: { 'Content-Encoding': 'gzip' } }).json('headers.content-encoding'));
  attempt('unknown', () => http.post(`${__ENV.HTTP}/anything`, 'x', { compression: 'rot13' }).error_code);
  attempt('not compressed after all', () => {
    const r = http.get(`${__ENV.HTTP}/encoded-badly/gzip`);
    return [r.status, r.error_code, r.body];
  });
  attempt('unknown encoding', () => http.get(`${__ENV.HTTP}/encoded-badly/x-own`).body);
  attempt('accept-encoding is the script\'s', () =>
    http.get(`${__ENV.HTTP}/anything`, { headers: { 'Accept-Encoding': 'gzip' } }).json('headers.accept-encoding'));
}
