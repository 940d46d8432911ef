// A server that speaks the page's protocol for a made-up run, so that the page can be worked on and tested without building
// throng: `npm run mock -- --kind k6 --names 500 --seconds 600`, then open the address it prints. With `--manual` time
// stands still until a test calls `tick()`.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MockHistory } from './mock-history.mjs';
import { ScriptedRun } from './scripted-run.mjs';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
/** As strict as throng's own. */
const POLICY =
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export class MockServer {
  /** @param {ConstructorParameters<typeof ScriptedRun>[0] & {seconds?: number, base?: string, dist?: string}} options */
  constructor(options = {}) {
    this.run = new ScriptedRun(options);
    /** Past runs, if there is a history. */
    this.past = options.past ? new MockHistory(options) : null;
    this.only = options.only ?? false;
    for (let i = 0; i < (options.seconds ?? 0); i++) this.run.advance();
    this.base = options.base ?? '/';
    this.dist = options.dist ?? DIST;
    this.streams = new Set();
    /** What was posted: [path, body]. */
    this.posted = [];
    /** Whether new streams are refused, as by a server that is gone. */
    this.refusing = false;
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error) => {
        if (!response.headersSent) response.writeHead(500);
        response.end(String(error));
      });
    });
  }

  /** Listens on loopback and gives the page's address. */
  async listen(port = 0) {
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    return `http://127.0.0.1:${this.server.address().port}${this.base}`;
  }

  async close() {
    this.drop();
    this.server.closeAllConnections();
    await new Promise((done) => this.server.close(done));
  }

  /** Cuts all streams. */
  drop() {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }

  /** Lets seconds pass and tells all open pages. */
  tick(seconds = 1) {
    for (let i = 0; i < seconds; i++) this.say('tick', this.run.advance());
  }

  say(event, data) {
    for (const stream of this.streams) send(stream, event, data);
  }

  async answer(request, response) {
    const url = new URL(request.url, 'http://mock');
    if (!url.pathname.startsWith(this.base)) return plain(response, 404, 'not under the base path');
    const path = url.pathname.slice(this.base.length);
    if (/^api\/v1\/(history|compare)/.test(path)) {
      if (!this.past) return json(response, 404, { error: 'no past runs are kept here' });
      if (await this.past.answer(path, url.searchParams, request, response)) this.say('history', {});
      return;
    }
    if (request.method === 'POST') return this.command(path, request, response);
    if (path === 'api/v1/events') return this.open(response);
    if (path === 'api/v1/snapshot') return json(response, 200, this.snapshot());
    if (path === 'api/v1/session') return json(response, 200, { login: false });
    if (path === 'api/v1/summary.json') return json(response, 200, { metrics: {}, root_group: {} });
    const timeline = /^api\/v1\/requests\/(\d+)\/timeline$/.exec(path);
    if (timeline) {
      const found = this.run.requestTimeline(Number(timeline[1]));
      return found ? json(response, 200, found) : json(response, 404, { error: 'no such request' });
    }
    if (path.endsWith('csv') || path === 'api/v1/report') return plain(response, 200, 'Type,Name\r\n');
    return file(this.dist, response, path || 'index.html');
  }

  open(response) {
    if (this.refusing) return plain(response, 503, 'gone');
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
    send(response, 'snapshot', this.snapshot());
  }

  /** As the run has it, and whether there are past ones; where nothing runs there is no script either. */
  snapshot() {
    const history = this.only ? 'only' : this.past ? 'beside' : 'none';
    return { ...this.run.snapshot(), history, ...(this.only ? { file: '', can: [], state: 'ready' } : {}) };
  }

  async command(path, request, response) {
    if (request.headers['x-throng'] !== '1')
      return json(response, 403, { error: 'the X-Throng header is missing' });
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    const name = path.replace('api/v1/', '');
    this.posted.push([name, body]);
    try {
      if (name === 'start') this.run.start(body);
      else if (name === 'stop') this.run.stop();
      else if (name === 'users') this.run.scale(body);
      else if (name === 'scale') this.run.scale({ users: body.vus });
      else if (name === 'reset') this.run.clear();
      else if (name === 'pause') this.run.state = 'paused';
      else if (name === 'resume') this.run.state = 'running';
      else return json(response, 404, { error: `no such command: ${name}` });
    } catch (error) {
      return json(response, 400, { error: error.message });
    }
    if (name === 'start' || name === 'reset') {
      this.say('reset', null);
      this.say('snapshot', this.snapshot());
    } else this.say('tick', { ...this.run.live(), requests: [], ...this.run.tables() });
    return json(response, 202, {});
  }
}

function send(stream, event, data) {
  stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function plain(response, status, text) {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Security-Policy': POLICY });
  response.end(text);
}

export function json(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function file(dist, response, path) {
  const full = normalize(join(dist, path));
  if (!full.startsWith(dist)) return plain(response, 404, 'no such file');
  let content;
  try {
    content = await readFile(full);
  } catch {
    return plain(response, 404, `no such file: ${path}`);
  }
  response.writeHead(200, {
    'Content-Type': TYPES[extname(full)] ?? 'application/octet-stream',
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(content);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8090' },
      kind: { type: 'string', default: 'locust' },
      names: { type: 'string', default: '12' },
      seconds: { type: 'string', default: '0' },
      hostile: { type: 'boolean', default: false },
      ready: { type: 'boolean', default: false },
      manual: { type: 'boolean', default: false },
      past: { type: 'boolean', default: false },
      only: { type: 'boolean', default: false },
    },
  });
  const mock = new MockServer({
    kind: values.kind === 'k6' ? 'k6' : 'locust',
    names: Number(values.names),
    seconds: Number(values.seconds),
    hostile: values.hostile,
    ready: values.ready,
    past: values.past || values.only,
    only: values.only,
  });
  console.log(`listening on ${await mock.listen(Number(values.port))}`);
  if (!values.manual) setInterval(() => mock.tick(), 1000);
}
