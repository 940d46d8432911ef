// Names mapped to addresses, and addresses and names that must not be called.
// @options hosts blacklistIPs blockHostnames dns localIPs
// @run default
// @run flags --blacklist-ip 127.0.0.0/8 --block-hostnames *.blocked.test
// @run local --local-ips 127.0.0.5
// @run dns --dns ttl=0,select=first,policy=onlyIPv4
// @run env
// @env env K6_BLOCK_HOSTNAMES=mapped.test,*.blocked.test
import http from 'k6/http';
import { show } from './lib/show.js';

const port = __ENV.HTTP.split(':')[2];

export const options = {
  hosts: { 'mapped.test': '127.0.0.1', 'ported.test:80': `127.0.0.1:${port}`, '*.wild.test': '127.0.0.1' },
};

export default function () {
  const line = (url) => {
    const r = http.get(url);
    return [r.status, r.error_code, r.status ? r.json('headers.host').map((h) => h.replace(port, 'http')) : null];
  };
  show('mapped', line(`http://mapped.test:${port}/anything`));
  show('with its port', line('http://ported.test/anything'));
  show('wildcard', line(`http://any.wild.test:${port}/anything`));
  show('not the wildcard', line(`http://wild.test.invalid:${port}/anything`));
  show('blocked', line(`http://sub.blocked.test:${port}/anything`));
  show('localhost', line(`http://localhost:${port}/anything`));
}
