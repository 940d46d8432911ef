// Samples that scripts add to `checks` and `group_duration` themselves, as the check of jslib's k6-utils does: their tags make
// the tree of groups and checks.
// @functions k6/metrics.Rate k6/metrics.Trend
// @options systemTags summaryMode
// @run default
// @run full --summary-mode full
// @run legacy --summary-mode legacy
// @run no-tags --system-tags url
// @run group-only --system-tags group
// @differs /no-tags/summary/root_group k6 lists no check whose sample has no group tag, not even an empty one; throng lists it at the root
// @stdout
import { check, group } from 'k6';
import exec from 'k6/execution';
import { Counter, Rate, Trend } from 'k6/metrics';

const checks = new Rate('checks');
const durations = new Trend('group_duration', true);
const other = new Counter('other');

export const options = { iterations: 1, thresholds: { checks: ['rate>0.5'], 'checks{check:ok}': ['rate>0.9'] } };

export function setup() {
  checks.add(1, { check: 'in setup' });
}

export default function () {
  checks.add(1, { check: 'ok' });
  checks.add(0, { check: 'bad' });
  checks.add(1);
  for (const value of [5, 0.5, -1, true, false, '1']) checks.add(value, { check: 'values' });
  checks.add(1, { check: 'a::b' });
  checks.add(1, { check: '' });
  check(1, { real: true }, { check: 'overridden' });
  check(1, { elsewhere: true }, { group: '::by tag' });
  checks.add(1, { check: 'no prefix', group: 'no prefix' });
  checks.add(1, { check: 'q', group: 'x::y' });
  checks.add(0, { group: '::unnamed' });
  durations.add(5, { group: '::timed' });
  other.add(1, { check: 'of another metric' });
  group('front', () => {
    checks.add(1, { check: 'inside' });
    checks.add(0, { check: 'ok', group: '' });
    check(1, { 'inside too': true });
    group('empty', () => {});
  });
  exec.vu.metrics.tags.check = 'of the virtual user';
  checks.add(1);
  check(1, { 'still real': true });
  delete exec.vu.metrics.tags.check;
  exec.vu.metrics.tags.group = '::own';
  checks.add(1, { check: 'in own' });
  check(1, { 'in own too': true });
  exec.vu.metrics.tags.group = '';
  other.add(1, { group: '::not in the tree' });
}
