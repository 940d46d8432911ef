// Not a conformance script: prints what an engine exports, which coverage.toml must know (see harness/coverage.py).
import * as k6 from 'k6';
import crypto from 'k6/crypto';
import * as data from 'k6/data';
import encoding from 'k6/encoding';
import exec from 'k6/execution';
import * as html from 'k6/html';
import http from 'k6/http';
import * as metrics from 'k6/metrics';
import * as timers from 'k6/timers';
import * as redis from 'k6/experimental/redis';
import * as ws from 'k6/ws';

const modules = {
  'k6': k6, 'k6/crypto': crypto, 'k6/data': data, 'k6/encoding': encoding, 'k6/execution': exec,
  'k6/experimental/redis': redis, 'k6/html': html, 'k6/http': http, 'k6/metrics': metrics, 'k6/timers': timers, 'k6/ws': ws,
};

export default function () {
  const names = Object.entries(modules).map(([name, module]) => [
    name,
    Object.keys(module).filter((key) => key !== 'default' && typeof module[key] !== 'string' && !/^OCSP_/.test(key)),
  ]);
  console.log(JSON.stringify({ modules: Object.fromEntries(names), options: Object.keys(exec.test.options) }));
}
