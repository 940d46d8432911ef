import http from 'k6/http';
import { sleep } from 'k6';

export const options = {
  cloud: { projectID: {{ .ProjectID }} },
  vus: 10,
  duration: '30s',
};

export default function () {
  http.get(`${__ENV.BASE_URL || 'http://127.0.0.1:5000'}/`);
  sleep(1);
}
