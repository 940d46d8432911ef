// TLS: versions, HTTP/2 by ALPN, certificates that are not trusted, client certificates.
// @options insecureSkipTLSVerify tlsVersion tlsAuth tlsCipherSuites hosts
// @run trusted
// @run untrusted
// @env untrusted SSL_CERT_FILE={CERTIFICATES}/client.pem
// @run untrusted-but-skipped --insecure-skip-tls-verify
// @env untrusted-but-skipped SSL_CERT_FILE={CERTIFICATES}/client.pem
// @run old
// @env old VERSION=tls1.2
// @run new
// @env new VERSION=tls1.3
// @run suite
// @env suite VERSION=tls1.2
// @env suite SUITE=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
import http from 'k6/http';
import { show } from './lib/show.js';

export const options = Object.assign(
  {
    hosts: { 'wrong.test': '127.0.0.1' },
    tlsAuth: [
      { domains: ['localhost'], cert: open(`${__ENV.CERTIFICATES}/client.pem`), key: open(`${__ENV.CERTIFICATES}/client-key.pem`) },
    ],
  },
  __ENV.VERSION ? { tlsVersion: __ENV.VERSION } : {},
  __ENV.SUITE ? { tlsCipherSuites: [__ENV.SUITE] } : {},
);

export default function () {
  show('constants', [http.TLS_1_0, http.TLS_1_1, http.TLS_1_2, http.TLS_1_3]);
  const line = (r) => [r.status, r.proto, r.tls_version, r.error_code, r.timings.tls_handshaking > 0];
  show('https', line(http.get(`${__ENV.HTTPS}/`)));
  show('https again', line(http.get(`${__ENV.HTTPS}/`)));
  show('HTTP/1.1', line(http.get(`${__ENV.HTTPS1}/`)));
  const suite = http.get(`${__ENV.HTTPS1}/`).tls_cipher_suite;
  show('suite', options.tlsCipherSuites ? suite : /^TLS_/.test(suite));
  show('wrong name', line(http.get(`${__ENV.HTTPS.replace('127.0.0.1', 'wrong.test')}/`)));
  show('with a client certificate', line(http.get(`${__ENV.MUTUAL.replace('127.0.0.1', 'localhost')}/`)));
  show('made for another host', line(http.get(`${__ENV.MUTUAL}/`)));
}
