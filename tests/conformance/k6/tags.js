// Tags: of the run, the scenario, the call; which system tags there are; metadata.
// @options tags systemTags
// @run default
// @run few
// @env few K6_SYSTEM_TAGS=status,method,scenario
// @run more --system-tags url,status,vu,iter,ip,proto,tls_version,error_code,group
// @run replaced --tag only=flag
// @env replaced K6_TAGS=lost:env
// @run env
// @env env K6_TAGS=a:1,b:two
import http from 'k6/http';
import { check, group } from 'k6';

export const options = {
  tags: { run: 'script', both: 'run' },
  iterations: 2,
};

export default function () {
  http.get(`${__ENV.HTTP}/`, { tags: { call: 'yes', both: 'call' } });
  group('g', () => {
    http.get(`${__ENV.HTTP}/status/404`);
    check(1, { c: true }, { own: 'tag' });
  });
  http.get(__ENV.REFUSED);
  http.get(`${__ENV.HTTPS}/`);
}
