// A script that computes: parses 10 KB of JSON, walks it, builds a payload, posts it, checks eight things.
import http from 'k6/http';
import { check } from 'k6';

export default function () {
  const r = http.get(`${__ENV.TARGET}big.json`);
  const rows = r.json().rows;
  let total = 0;
  const names = [];
  for (const row of rows) {
    total += row.price * row.quantity;
    if (row.active && row.tags.includes('even')) names.push(row.name.toUpperCase());
  }
  const payload = JSON.stringify({ total, names: names.slice(0, 20), user: `user-${__VU}-${__ITER}`, at: Date.now() });
  const posted = http.post(`${__ENV.TARGET}echo`, payload, { headers: { 'Content-Type': 'application/json' } });
  check(r, {
    'status is 200': (r) => r.status === 200,
    'has a body': (r) => r.body.length > 1000,
    'is JSON': (r) => r.headers['Content-Type'] === 'application/json',
    'has rows': () => rows.length > 50,
  });
  check(posted, {
    'posted': (r) => r.status === 200,
    'answered': (r) => r.body !== '',
    'totals up': () => total > 0,
    'names found': () => names.length > 0,
  });
}
