// What the generator says each request waited, by the id that the server notes its own time for.
import http from 'k6/http';
import exec from 'k6/execution';

export const options = {
  scenarios: {
    main: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE),
      duration: __ENV.DURATION,
      preAllocatedVUs: 100,
      maxVUs: 400,
    },
  },
};

export default function () {
  const id = exec.scenario.iterationInTest;
  const r = http.get(`${__ENV.TARGET}${id}`, { tags: { name: 'truth' } });
  console.log(`${id} ${r.timings.waiting}`);
}
