// Starts at a fixed rate: how late is each one?
import http from 'k6/http';

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
  http.get(__ENV.TARGET);
}
