// Which responses count as failed.
// @functions k6/http.expectedStatuses k6/http.setResponseCallback
// @options thresholds
import http from 'k6/http';
import { attempt, show } from './lib/show.js';

export const options = {
  thresholds: { http_req_failed: ['rate<1'], 'http_req_duration{expected_response:false}': ['max>=0'] },
};

export default function () {
  const get = (status, responseCallback) =>
    http.get(`${__ENV.HTTP}/status/${status}`, responseCallback === undefined ? {} : { responseCallback });
  get(200);
  get(399);
  get(404);
  get(404, http.expectedStatuses(404));
  get(201, http.expectedStatuses(200, { min: 400, max: 499 }));
  get(450, http.expectedStatuses(200, { min: 400, max: 499 }));
  get(500, null);
  http.get(__ENV.REFUSED);
  http.setResponseCallback(http.expectedStatuses({ min: 500, max: 599 }));
  get(200);
  get(503);
  http.setResponseCallback(null);
  get(200);
  get(404, http.expectedStatuses(404));
  attempt('no arguments', () => http.expectedStatuses());
  attempt('text', () => http.expectedStatuses('200'));
  attempt('half a range', () => http.expectedStatuses({ min: 200 }));
  attempt('a function', () => http.setResponseCallback(() => true));
}
