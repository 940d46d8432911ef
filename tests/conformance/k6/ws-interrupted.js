// k6/ws: what the server hears of a connection whose iteration is interrupted, or ends with an exception.
// @functions k6/ws.connect
// @timed ws_connecting ws_session_duration
import http from 'k6/http';
import ws from 'k6/ws';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { attempt, show } from './lib/show.js';

export const options = {
  scenarios: {
    interrupted: { executor: 'constant-vus', vus: 1, duration: '1s', gracefulStop: '0s', exec: 'open' },
    asking: { executor: 'per-vu-iterations', vus: 1, iterations: 1, startTime: '1200ms', exec: 'ask' },
  },
};

const server = __ENV.HTTP.replace('http', 'ws');

export function open() {
  ws.connect(`${server}/ws-watched/interrupted`, () => {});
}

// The code that the server had of the last connection of that key.
function code(key) {
  sleep(0.2);
  return http.get(`${__ENV.HTTP}/ws-codes/${key}`).body;
}

export function ask() {
  show('interrupted', code('interrupted'));
  attempt('in a handler', () => ws.connect(`${server}/ws-watched/handler`, (socket) => {
    socket.on('message', () => { throw new Error('in a handler'); });
  }));
  show('after a handler threw', code('handler'));
  attempt('in use', () => ws.connect(`${server}/ws-watched/use`, () => { throw new Error('in use'); }));
  show('after the user threw', code('use'));
  ws.connect(`${server}/ws-watched/abort`, (socket) => {
    socket.on('close', () => console.log('a handler of close runs'));
    socket.on('message', () => exec.test.abort('enough'));
  });
}
