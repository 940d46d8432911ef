// What a script sees of a request that its arguments do not allow: nothing is sent, and the body is an empty array.
// @functions k6/http.get k6/http.batch k6/http.asyncRequest Response.html Response.json
// @options discardResponseBodies
// @run default
// @run discard --discard-response-bodies
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

const bad = 'http://127.0.0.1:80foo';

function body(label, response) {
  const { body } = response;
  show(label, [response.error_code, body, Array.isArray(body), body && body.length, response.request]);
  attempt(`${label}: includes`, () => response.body.includes('x'));
  attempt(`${label}: json with a path`, () => String(response.json('a')));
  attempt(`${label}: json`, () => response.json());
  attempt(`${label}: html`, () => [response.html().text(), response.html('a').size()]);
  attempt(`${label}: clickLink`, () => response.clickLink());
  attempt(`${label}: submitForm`, () => response.submitForm());
}

export default async function () {
  for (const responseType of ['text', 'binary', 'none']) body(responseType, http.get(bad, { responseType }));
  body('default', http.get(bad));
  body('undefined', http.get(undefined));
  body('asyncRequest', await http.asyncRequest('GET', bad));
  const replaced = http.get(bad);
  replaced.body = '{"a": 5}';
  attempt('replaced', () => replaced.json('a'));
  replaced.body = null;
  attempt('taken away', () => replaced.json('a'));
  const responses = http.batch([__ENV.REFUSED, bad, __ENV.REFUSED]);
  show('batch', [responses.length, responses[0].body, responses[0].error_code, responses[1].body, responses[1].error_code, responses[2] === null]);
}
