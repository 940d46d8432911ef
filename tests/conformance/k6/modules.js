// ES modules and their relatives: default and named exports, modules run once per VU, import.meta.resolve.
// @functions require
import double, { one, two as renamed, where } from './lib/maths.js';
import * as all from './lib/maths.js';
import * as k6 from 'k6';
import { common } from './lib/uses-require.js';
import { attempt, show } from './lib/show.js';

const late = await Promise.resolve('top-level await');

export default function () {
  show('values', [double(3), one, renamed, where]);
  show('namespace', Object.keys(all).sort());
  show('k6 namespace', ['check', 'fail', 'group', 'randomSeed', 'sleep'].map((name) => typeof k6[name]));
  show('common', common);
  show('await', late);
  attempt('require in an iteration', () => require('./lib/common.cjs.js'));
}
