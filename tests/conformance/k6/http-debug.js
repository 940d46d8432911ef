// httpDebug writes each request and response to the log.
// @options httpDebug
// @run headers --http-debug
// @run full --http-debug=full
// @run env
// @env env K6_HTTP_DEBUG=headers
import http from 'k6/http';

export const options = { userAgent: 'conformance' };

export default function () {
  http.post(`${__ENV.HTTP}/anything`, 'the body', { headers: { 'X-Own': 'v' } });
}
