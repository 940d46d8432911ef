// Raw outputs: CSV with its header, several outputs at once, JSON to a compressed file.
// @options out
// @run csv --out csv=samples.csv
// @file samples.csv
import { check } from 'k6';
import { Counter } from 'k6/metrics';

new Counter('some_counter');

export const options = { tags: { run: 'r' }, systemTags: ['check', 'group', 'scenario'] };

export default function () {
  check(1, { passes: true });
}
