// minIterationDuration and rps slow a run down.
// @options minIterationDuration rps
// @run pace --min-iteration-duration 300ms --iterations 3
// @env pace GAP=300
// @run rps --rps 10 --iterations 6
// @env rps GAP=100
// @run env --iterations 2
// @env env K6_MIN_ITERATION_DURATION=250ms
// @env env GAP=250
import http from 'k6/http';
import { show } from './lib/show.js';

let last;

export default function () {
  const now = Date.now();
  http.get(`${__ENV.HTTP}/`);
  // With some room: the pace is set before the request, its duration varies.
  if (last !== undefined) show('kept the gap', now - last >= Number(__ENV.GAP) * 0.8 && now - last < 5000);
  last = now;
}
