// Response.submitForm and Response.clickLink: which request a page asks for.
// A `<select multiple>` is left out: k6 sends the list as Go prints it, throng each value.
// @functions Response.submitForm Response.clickLink
import http from 'k6/http';
import { attempt, seen, show } from './lib/show.js';

const arrived = (response) => ({ ...seen(response, 'method', 'path', 'query', 'body', 'content-type', 'x-extra'), sent: response.request.url.replace(__ENV.HTTP, '') });

export default function () {
  const page = http.get(`${__ENV.HTTP}/page`);
  const order = ({ fields, ...options } = {}) => page.submitForm({ formSelector: '#order', fields: { extras: 'rum', ...fields }, ...options });
  show('form', arrived(order()));
  show('form with fields', arrived(order({ fields: { who: 'me & you', extra: 5, size: undefined } })));
  show('form by its second button', arrived(order({ submitSelector: '[name=who]' })));
  show('form without a button', arrived(order({ submitSelector: 'zz' })));
  show('form with parameters', arrived(order({ params: { headers: { 'X-Extra': 'yes' }, tags: { form: 'order' } } })));
  show('form that asks', arrived(page.submitForm({ formSelector: '.search' })));
  show('form that asks with fields', arrived(page.submitForm({ formSelector: '.search', fields: { q: 'mate' } })));
  show('first form', arrived(page.submitForm({ fields: { extras: '' } })));
  show('link', arrived(page.clickLink()));
  show('relative link', arrived(page.clickLink({ selector: 'a:nth-of-type(2)' })));
  show('link with parameters', arrived(page.clickLink({ params: { headers: { 'X-Extra': 'yes' }, tags: { name: 'the link' } } })));
  attempt('no such form', () => page.submitForm({ formSelector: 'zz' }));
  attempt('no such link', () => page.clickLink({ selector: 'zz' }));
  attempt('a link without an address', () => page.clickLink({ selector: '[name=no-link]' }));
  const nothing = http.get(`${__ENV.HTTP}/status/204`);
  attempt('no page, form', () => nothing.submitForm());
  attempt('no page, link', () => nothing.clickLink());
}
