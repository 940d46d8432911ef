// k6/ws: a connection used by callbacks, messages both ways, timers, closing by either side, failures.
// @timed ws_connecting ws_ping ws_session_duration
// @functions k6/ws.connect Socket.on Socket.send Socket.sendBinary Socket.ping Socket.setTimeout Socket.setInterval Socket.close
import http from 'k6/http';
import ws from 'k6/ws';
import { attempt, show } from './lib/show.js';

const server = __ENV.HTTP.replace('http', 'ws');

function echoed() {
  const received = [];
  const response = ws.connect(`${server}/ws`, { tags: { own: 'tag' } }, (socket) => {
    socket.on('open', () => {
      socket.send('first');
      socket.send('x'.repeat(70000));
      socket.sendBinary(new Uint8Array([1, 2, 3]).buffer);
    });
    socket.on('message', (text) => received.push(text.length > 20 ? text.length : text));
    socket.on('binaryMessage', (data) => {
      received.push([data instanceof ArrayBuffer, ...new Uint8Array(data)]);
      socket.ping();
    });
    socket.on('pong', () => { received.push('pong'); socket.close(); });
    socket.on('close', (code) => received.push(['closed', code]));
    socket.on('close', () => received.push('closed too'));
    socket.on('message', 'not a function');
  });
  show('echoed', received);
  show('response', [response.status, response.url === `${server}/ws`, response.error, response.body, response.headers.Upgrade]);
}

function timed() {
  const seen = [];
  ws.connect(`${server}/ws`, (socket) => {
    let ticks = 0;
    socket.setInterval(() => { seen.push(`tick ${++ticks}`); if (ticks === 3) socket.close(3000); }, 20);
    socket.setTimeout(() => seen.push('timeout'), 30);
    socket.setTimeout(() => seen.push('never'), 10000);
    socket.on('close', (code) => seen.push(code));
    for (const delay of [0, -1]) attempt(`timeout of ${delay}`, () => socket.setTimeout(() => {}, delay));
    attempt('interval of 0', () => socket.setInterval(() => {}, 0));
    attempt('binary text', () => socket.sendBinary('text'));
  });
  show('timed', seen);
}

function ended() {
  for (const path of ['/ws-close', '/ws-vanish']) {
    const seen = [];
    ws.connect(`${server}${path}`, (socket) => {
      socket.on('open', () => seen.push('open'));
      socket.on('close', (code) => seen.push(code));
      socket.on('error', (error) => seen.push(typeof error.error()));
    });
    show(`${path}: ended by the server`, seen);
  }
  const early = [];
  ws.connect(`${server}/ws`, (socket) => {
    socket.close();
    socket.on('open', () => early.push('open'));
    socket.on('close', () => early.push('close'));
  });
  show('closed before it was open', early);
}

function sent() {
  http.cookieJar().set(__ENV.HTTP, 'kind', 'jar');
  const seen = [];
  ws.connect(`${server}/ws-headers`, { headers: { 'X-One': '1', 'X-Two': 'b' } }, (socket) => {
    socket.on('message', (text) => seen.push(text));
    socket.on('ping', () => { seen.push('ping'); socket.close(1000); });
  });
  show('headers', seen);
}

export default function () {
  echoed();
  timed();
  ended();
  sent();
  const refused = ws.connect(__ENV.REFUSED.replace('http', 'ws'), null, () => show('used', true));
  show('refused', [refused.status, refused.url, refused.body, refused.headers, refused.error !== '']);
  const plain = ws.connect(`${server}/json`, null, () => {});
  show('no WebSocket', [plain.status, plain.url, plain.body, plain.error !== '']);
  const wrong = ws.connect(__ENV.HTTP, null, () => {});
  show('not ws', [wrong.status, wrong.error]);
  attempt('no function', () => ws.connect(`${server}/ws`));
  attempt('a text for a function', () => ws.connect(`${server}/ws`, {}, 'text'));
  const thrown = [];
  attempt('a handler throws', () => ws.connect(`${server}/ws-headers`, (socket) => {
    socket.on('message', () => { throw new Error('in a handler'); });
    socket.on('close', (code) => thrown.push(code));
  }));
  show('closed after a handler threw', thrown);
  attempt('the user throws', () => ws.connect(`${server}/ws`, () => { throw new Error('in use'); }));
}
