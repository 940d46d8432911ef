// Response.json: whole bodies, selectors, and bodies that are not JSON.
// @functions Response.json
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

export default function () {
  const r = http.get(`${__ENV.HTTP}/json`);
  show('whole', r.json());
  for (const selector of [
    'title', 'count', 'ratio', 'flag', 'nothing', 'list', 'list.1', 'list.#', 'items.#', 'items.0.name', 'items.#.name',
    'items.1.tags', 'items.#(name=="beta").size', 'items.#(size>1)#.name', 'deep.er.value', 'deep', 'missing', 'deep.missing.more',
    'with\\.dot', 't*', 'items.#.tags.#', 'list.9',
  ]) {
    attempt(selector, () => r.json(selector));
  }
  show('list at the root', http.get(`${__ENV.HTTP}/json-list`).json('3.three'));
  const broken = http.get(`${__ENV.HTTP}/not-json`);
  attempt('not JSON', () => broken.json());
  attempt('not JSON, selector', () => broken.json('open'));
  attempt('empty body', () => http.get(`${__ENV.HTTP}/empty`).json());
  attempt('no body', () => http.get(__ENV.REFUSED).json());
  attempt('binary', () => http.get(`${__ENV.HTTP}/json`, { responseType: 'binary' }).json('title'));
}
