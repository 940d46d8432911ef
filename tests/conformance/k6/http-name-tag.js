// The tag `name` of a run, a scenario or a virtual user: it is the name of requests that have none of their own.
// @functions k6/http.get k6/http.url exec.vu.tags
// @options tags scenarios
import http from 'k6/http';
import exec from 'k6/execution';

export const options = {
  tags: { name: 'run' },
  scenarios: {
    plain: { executor: 'per-vu-iterations', iterations: 2 },
    named: { executor: 'per-vu-iterations', tags: { name: 'scenario' } },
  },
};

export default function () {
  const url = `${__ENV.HTTP}/json`;
  http.get(url);
  http.get(http.url`${__ENV.HTTP}/json?id=${__ITER}`);
  http.get(url, { tags: { name: 'own' } });
  http.get(http.url`${__ENV.HTTP}/json?id=${__ITER}`, { tags: { other: 'x' } });
  if (__ITER === 1) {
    exec.vu.metrics.tags.name = 'user';
    http.get(url);
    http.get(http.url`${__ENV.HTTP}/json?id=${__ITER}`);
    delete exec.vu.metrics.tags.name;
    http.get(http.url`${__ENV.HTTP}/json?id=${__ITER}`);
  }
  http.get(`${__ENV.HTTP}/status/404`, { tags: { other: 'x' } });
  http.get(`${__ENV.HTTP}/redirect/1`);
}
