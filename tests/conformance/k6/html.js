// k6/html: selections and elements of a page, searched, walked and read.
// @functions k6/html.parseHTML Response.html
import { parseHTML } from 'k6/html';
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

const texts = (selection) => selection.toArray().map((one) => one.text());
const names = (selection) => selection.get().map((element) => element.nodeName());

function searched(page) {
  for (const selector of [
    'li', 'LI', 'li.new', 'li:not(.hot)', 'li:nth-child(2)', 'ul > li', 'h1, li', '[data-id]', 'li[data-id="7"]', 'input[name!="q"]',
    'p:contains("script")', 'li:contains(Sen)', 'a:has(b)', ':input', 'input:checked', 'option[selected]', '[[', 'li:first', 'noscript p',
  ]) {
    show(selector, page.find(selector).size());
  }
  const li = page.find('li');
  show('by selection', page.find(li).size());
  show('by element', li.filter(page.find('.new')).text());
  show('filter', texts(li.filter('.new')));
  show('filter by function', texts(li.filter((i, one) => i === 0 || one.text() === 'Mate')));
  show('not', texts(li.not('.new')));
  show('is', [li.is('.new'), li.is('p'), li.is((i) => i === 2), page.find('zz').is('p')]);
  show('has', names(page.find('a').has('b')));
  show('slices', [[1, 3], [2], [-2], [0, 99]].map((bounds) => texts(li.slice(...bounds))));
  show('eq', [1, -1, 9].map((at) => li.eq(at).text()));
  show('first and last', [li.first().text(), li.last().text(), li.first().end().size(), page.end().size()]);
  show('add', [li.add('h1').size(), li.add(li).size()]);
  show('index', [li.index(), page.find('.new').index(), li.index('.new'), li.index(page.find('.new')), page.find('zz').index()]);
  show('map', li.map((i, one) => (i === 1 ? undefined : `${i}${one.text()}`)));
  const seen = [];
  show('each', li.each((i, element) => { seen.push(i, element.textContent()); return false; }).size());
  show('seen', seen);
  for (const method of ['each', 'map']) attempt(`${method} without a function`, () => li[method]('x'));
  attempt('find without a selector', () => li.find());
}

function walked(page) {
  const [b, second, last] = [page.find('b'), page.find('.new'), page.find('li').last()];
  show('parent', names(b.parent()));
  show('parent of another kind', b.parent('p').size());
  show('parents', names(b.parents()));
  show('parents until', names(b.parentsUntil('html')));
  show('parents until, picked', names(b.parentsUntil('html', 'body')));
  show('closest', names(b.closest('body, b')));
  show('children', names(page.find('#order').children('select')));
  show('contents', names(page.find('ul').contents()));
  show('next', [texts(second.next()), texts(second.next('.no')), texts(page.find('li').first().nextAll()), texts(page.find('li').first().nextUntil('li:last-child'))]);
  show('previous', [texts(second.prev()), texts(last.prevAll()), texts(last.prevUntil('.new')), texts(last.prevUntil('zz', '.new'))]);
  show('siblings', [texts(second.siblings()), texts(page.find('li').siblings('.new'))]);
}

function read(page) {
  const li = page.find('li').first();
  show('text', page.find('a.next').text());
  show('html', page.find('h1').html());
  show('nothing', [page.find('zz').text(), page.find('zz').html(), page.find('zz').attr('id'), page.find('zz').val()]);
  show('attr', [li.attr('data-id'), li.attr('none'), li.attr('none', 'default')]);
  show('data', li.data());
  show('a datum', ['id', 'inStock', 'in-stock', 'price', 'tags', 'none'].map((name) => li.data(name)));
  for (const name of ['token', 'who', 'milk', 'sugar', 'kind', 'extras', 'note', 'send']) show(`value of ${name}`, page.find(`[name=${name}]`).val());
  show('fields', page.find('#order').serializeArray());
  show('fields by name', page.find('#order').serializeObject());
  show('query', page.find('#order').serialize());
  show('fields of one', page.find('[name=who]').serialize());
  show('whole', parseHTML('<p title=\'a"b\'>it\'s &amp; <br><img src=x><script>a<b</script></p><pre>\n\nx</pre>').html());
  show('empty', [parseHTML('').html(), parseHTML().html()]);
}

function elements(page) {
  const list = page.find('ul').get(0);
  const plain = ['nodeName', 'nodeType', 'nodeValue', 'childElementCount', 'hasChildNodes', 'hasAttributes', 'className', 'id', 'toString'];
  show('list', plain.map((method) => list[method]()));
  show('text node', plain.map((method) => page.find('h1').get(0).firstChild()[method]()));
  show('classes', page.find('.new').get(0).classList());
  show('inner', page.find('a').get(0).innerHTML());
  show('attributes', [list.getAttribute('id'), list.hasAttribute('id'), page.find('li').get(0).getAttributeNode('data-id').value]);
  show('family', ['firstElementChild', 'lastElementChild', 'parentElement', 'parentNode', 'previousElementSibling', 'ownerDocument'].map((way) => list[way]().nodeName()));
  show('no one there', [list.firstElementChild().previousElementSibling(), list.querySelector('zz')]);
  show('below', [list.querySelectorAll('li').length, list.getElementsByTagName('li').length, list.getElementsByClassName('hot').length]);
  const [a, b, h1] = ['a', 'b', 'h1'].map((name) => page.find(name).get(0));
  show('compared', [list.matches('ul'), a.contains(b), h1.contains(b), h1.isSameNode(page.find('h1').get(0)), h1.isEqualNode(b)]);
  show('selected again', list.selection().find('li').size());
  const parts = (element, methods) => Object.fromEntries(methods.map((method) => [method, element[method]()]));
  const link = parts(page.find('a').get(0), ['hash', 'pathname', 'search', 'text', 'target']);
  show('link', link);
  show('image', parts(page.find('img').get(0), ['width', 'height', 'alt']));
  show('input', parts(page.find('input[name=who]').get(0), ['name', 'value', 'type', 'checked', 'disabled', 'maxLength', 'placeholder']));
  show('input form', page.find('input[name=who]').get(0).form().id());
  show('form', parts(page.find('form').get(0), ['method', 'enctype', 'noValidate', 'length']));
  show('select', parts(page.find('select').get(0), ['value', 'selectedIndex', 'multiple', 'length', 'size', 'name']));
  show('option', parts(page.find('option').get(1), ['value', 'text', 'index', 'selected', 'disabled', 'label']));
  show('options', page.find('select').get(1).selectedOptions().map((option) => option.text()));
  show('meta', parts(page.find('meta').get(0), ['name', 'content']));
  show('get', [page.find('li').get(-1).textContent(), page.find('li').get(9), page.find('li').get().length]);
}

export default function () {
  const response = http.get(`${__ENV.HTTP}/page`);
  const page = response.html();
  searched(page);
  walked(page);
  read(page);
  elements(page);
  show('by response', [response.html('title').text(), response.html('li').size(), response.html(undefined).size()]);
  const origin = __ENV.HTTP;
  show('addresses', [response.html().url, page.find('a').get(0).href(), page.find('img').get(0).src(), page.find('link').get(0).href(), page.find('form').get(0).action()].map((url) => url.replace(origin, '')));
  attempt('no body', () => http.get(`${__ENV.HTTP}/status/204`).html());
  attempt('no response', () => http.get(__ENV.REFUSED).html());
}
