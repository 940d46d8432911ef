// Defaults, config file, script, environment, flags: the later one wins, and groups win whole.
// @options vus iterations duration stages userAgent tags maxRedirects
// @run script
// @run config --config {SCRIPTS}/data/config.json
// @run env
// @env env K6_ITERATIONS=3
// @env env K6_USER_AGENT=env
// @run flags --iterations 4 --user-agent flags --tag from=flags
// @env flags K6_ITERATIONS=3
// @env flags K6_USER_AGENT=env
// @run stages --stage 1s:1
// @run duration-replaces --duration 1s
// @run env-stages
// @env env-stages K6_STAGES=1s:1
// @run config-and-env --config {SCRIPTS}/data/config.json
// @env config-and-env K6_MAX_REDIRECTS=7
// @near 15
import exec from 'k6/execution';
import http from 'k6/http';
import { sleep } from 'k6';

export const options = { iterations: 2, userAgent: 'script', tags: { from: 'script' } };

export default function () {
  if (exec.scenario.iterationInTest === 0) {
    const o = exec.test.options;
    const s = o.scenarios.default;
    console.log(JSON.stringify([s.executor, s.vus, s.iterations, s.duration, s.stages, o.tags, o.maxRedirects, o.batch]));
    console.log(http.get(`${__ENV.HTTP}/anything`).json('headers.user-agent'));
    console.log(JSON.stringify([options.iterations, options.userAgent]));
  }
  sleep(0.1);
}
