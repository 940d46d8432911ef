// One of ten virtual users burns its thread; do the others still measure the server and not each other?
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { sleep } from 'k6';

const waiting = new Trend('others_waiting', true);
const big = __ENV.KIND === 'native' ? JSON.stringify(Array.from({ length: 140000 }, (_, i) => ({ id: i, name: `row number ${i}` }))) : '';

export default function () {
  if (__VU === 1) {
    if (__ENV.KIND === 'native') {
      JSON.parse(big); // some 5 MB in one call that nothing can interrupt
    } else {
      const end = Date.now() + 200;
      let n = 0;
      while (Date.now() < end) n += Math.sqrt(n);
    }
    sleep(0.01);
    return;
  }
  waiting.add(http.get(__ENV.TARGET).timings.waiting);
  sleep(0.02);
}
