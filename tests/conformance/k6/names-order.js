// The order of names: metrics, their parts and scenarios in summaries, and texts by localeCompare.
// @options summaryMode thresholds
// @run compact
// @run full --summary-mode full
// @run legacy --summary-mode legacy
// @stdout
import { Counter } from 'k6/metrics';
import { show } from './lib/show.js';

const counters = ['rt_API_x', 'rt_abc', 'RT', 'aa', 'Ab', 'a_b', 'a1', 'Zt_x', 'Zt', 'zt', 'Zt1'].map((name) => new Counter(name));
const once = { executor: 'per-vu-iterations', vus: 1, iterations: 1, exec: 'count' };

export const options = {
  thresholds: {
    RT: ['count>0'],
    aa: ['count>0'],
    Ab: ['count>0'],
    rt_abc: ['count>0'],
    rt_API_x: ['count>0'],
    'rt_API_x{Z:1}': ['count>=0'],
    'rt_API_x{a:1}': ['count>=0'],
    'rt_API_x{_:1}': ['count>=0'],
    'Zt{b:1}': ['count>=0'],
    Zt_x: ['count>=0'],
  },
  scenarios: { b: once, B: once, aB: once, Aa: once, _x: once, comparing: Object.assign({}, once, { exec: 'compare' }) },
};

export function count() {
  for (const counter of counters) counter.add(1);
}

export function compare() {
  const sorted = (texts) => texts.sort((a, b) => a.localeCompare(b) || (a < b ? -1 : 1));
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  show('ASCII', sorted(ascii).join(''));
  show('words', sorted(['b', 'a', 'B', 'A', '_', '1', 'é', 'z', 'résumé', 'Resume', 'resume', 'co-op', 'coop', 'co op', 'côte', 'cote',
    'coté', 'ß', 'ss', 'æ', 'ae', 'ø', 'o', 'þ', 'ﬁ', 'fi', '日', '本', 'あ', 'ア', '가', 'а', 'Я', 'α', 'Ω', '€', '$', '½', '²', '2', '',
    '10', '9', 'ab1', 'ab10', 'ab2']));
  show('equal', ['a\u0301'.localeCompare('á'), ''.localeCompare('\u0001'), 'ab\u0000'.localeCompare('ab'), '\ud800'.localeCompare('\ud801')]);
  show('arguments', ['undefined'.localeCompare(), 'null'.localeCompare(null), String.prototype.localeCompare.call(5, '5'), 'b'.localeCompare('a')]);
  show('locales and options', ['10'.localeCompare('9', undefined, { numeric: true }), 'a'.localeCompare('A', 'en', { sensitivity: 'base' }),
    'ä'.localeCompare('z', 'sv')]);
  show('function', [String.prototype.localeCompare.name, String.prototype.localeCompare.length, Object.keys(String.prototype)]);
  for (const value of [undefined, null]) {
    try { String.prototype.localeCompare.call(value, 'a'); } catch (error) { show(`of ${value}`, error instanceof TypeError); }
  }
}
