// asyncRequest: order, several at once, errors, and that the iteration waits for them.
// @functions k6/http.asyncRequest
// @options iterations
import http from 'k6/http';
import { show } from './lib/show.js';

export const options = { iterations: 2 };

export default async function () {
  const url = __ENV.HTTP;
  const first = await http.asyncRequest('GET', `${url}/anything/first`);
  show('awaited', [first.status, first.json('path')]);
  const order = [];
  const note = (name) => (r) => order.push(`${name} ${r.status}`);
  await Promise.all([
    http.asyncRequest('GET', `${url}/delay/150`).then(note('slow')),
    http.asyncRequest('POST', `${url}/anything`, 'x', { tags: { kind: 'quick' } }).then(note('quick')),
  ]);
  order.push('both');
  show('order', order);
  const failed = await http.asyncRequest('GET', __ENV.REFUSED);
  show('refused', failed.error_code);
  await http.asyncRequest('GET', __ENV.REFUSED, null, { throw: true }).then(
    () => show('rejected', false),
    () => show('rejected', true),
  );
  http.asyncRequest('GET', `${url}/delay/60`).then((r) => show('not awaited', r.body));
  show('end of the function', true);
}
