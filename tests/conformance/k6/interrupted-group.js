// A group that was interrupted before it had samples is in no summary; one of which only a custom metric knows neither.
// @functions k6.group
// @run interrupt
// @signal interrupt INT ready
// @near 3
import { check, group, sleep } from 'k6';
import { Counter } from 'k6/metrics';

const counter = new Counter('my_counter');

export const options = { vus: 1, duration: '60s' };

export default function () {
  group('ended', () => {});
  group('outer', () => {
    check(1, { checked: true });
    group('interrupted', () => {
      counter.add(1);
      console.log('ready');
      sleep(20);
    });
  });
}

export function handleSummary(data) {
  const paths = (node) => node.groups.flatMap((inner) => [inner.path, ...paths(inner)]);
  console.log(paths(data.root_group).join());
  return {};
}
