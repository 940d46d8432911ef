// URLs: templates that name themselves, credentials that are not shown.
// @functions k6/http.url
import http from 'k6/http';
import { show } from './lib/show.js';

export default function () {
  const id = 7;
  const r = http.get(http.url`${__ENV.HTTP}/anything/${id}?n=${1 + 1}`);
  show('template', [r.json('path'), r.json('query'), r.url]);
  http.get(http.url`${__ENV.HTTP}/anything/${id}`, { tags: { name: 'own name' } });
  http.get(`${__ENV.HTTP}/anything`, { tags: { name: 'given name' } });
  show('credentials', http.get(`${__ENV.HTTP.replace('://', '://me:secret@')}/anything`).json('headers.authorization'));
  show('escapes', http.get(`${__ENV.HTTP}/anything/a%2Fb?q=%C3%A9`).json('path'));
  show('not escaped', http.get(`${__ENV.HTTP}/anything/é?q=ü`).json('query'));
  const parts = http.url`${__ENV.HTTP}/x/${id}`;
  show('object', Object.keys(parts).length > 0);
}
