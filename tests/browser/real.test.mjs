// The page of the real program: a locustfile is started, edited, stopped and started again; a k6 script runs to its end with a
// failing threshold. `THRONG` names the program (`./x test ui` sets it); its Python is found as always (`THRONG_PYTHON`).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { figure, launch, OUTPUT, open, reads, tab, until } from './browser.mjs';

const THRONG = process.env.THRONG;
const HOSTILE = '<script>window.hacked = 1</script>';

const LOCUSTFILE = `
from locust import HttpUser, constant, task


class WebsiteUser(HttpUser):
    wait_time = constant(0.05)

    @task(3)
    def front(self):
        self.client.get("/")

    @task
    def broken(self):
        self.client.get("/broken", name=${JSON.stringify(HOSTILE)})
`;

const K6 = `
import http from 'k6/http';
import { check, sleep } from 'k6';

export const options = {
  scenarios: { shop: { executor: 'constant-vus', vus: 2, duration: '6s' } },
  thresholds: { http_req_duration: ['p(95)<0.001'], http_reqs: ['count>0'] },
};

export default function () {
  const answer = http.get(__ENV.TARGET + '/', { tags: { name: ${JSON.stringify(HOSTILE)} } });
  check(answer, { 'status is 200': (r) => r.status === 200, 'is a teapot': (r) => r.status === 418 });
  sleep(0.05);
}
`;

const LONG = `
import http from 'k6/http';
import { sleep } from 'k6';

export const options = { scenarios: { shop: { executor: 'constant-vus', vus: 4, duration: '5m', gracefulStop: '1s' } } };

export default function () {
  http.get(__ENV.TARGET + '/');
  sleep(0.05);
}
`;

/** Names that a page must survive, and more of them than anybody reads. */
const MANY = `
import http from 'k6/http';

const NAMES = ['<img src=x onerror="window.hacked = 2">', '"><svg onload=window.hacked=3>', 'x'.repeat(10240), '__proto__'];
export const options = { vus: 2, iterations: 504, noConnectionReuse: false };

export default function () {
  const n = __VU * 1000 + __ITER;
  http.get(__ENV.TARGET + '/', { tags: { name: NAMES[__ITER] || 'request ' + n } });
}
`;

let browser;
let target;
let folder;
before(async () => {
  if (!THRONG) return;
  browser = await launch();
  target = createServer((request, response) => {
    response.writeHead(request.url === '/broken' ? 500 : 200);
    response.end('hello');
  });
  await new Promise((done) => target.listen(0, '127.0.0.1', done));
  folder = await mkdtemp(join(tmpdir(), 'throng-page-'));
  await writeFile(join(folder, 'locustfile.py'), LOCUSTFILE);
  await writeFile(join(folder, 'script.js'), K6);
  await writeFile(join(folder, 'long.js'), LONG);
  await writeFile(join(folder, 'many.js'), MANY);
});
after(async () => {
  await browser?.close();
  target?.close();
  if (folder) await rm(folder, { recursive: true });
});

const host = () => `http://127.0.0.1:${target.address().port}`;

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Runs `check` with the page of a program that is started with `flags`, and ends the program. */
async function running(flags, check, env = process.env, first = '#view') {
  const port = await freePort();
  const program = spawn(THRONG, flags(port), { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [program.stdout, program.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const ended = once(program, 'exit');
  const url = `http://127.0.0.1:${port}/`;
  try {
    await until(
      async () => (await fetch(`${url}healthz`).catch(() => null))?.status ?? `no answer; it said: ${said}`,
      (status) => status === 200,
      30_000,
    );
    const { page, context, problems } = await open(browser, url);
    await page.locator(first).waitFor();
    await check(page, { program, ended, url });
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.deepEqual(problems, []);
    await context.close();
  } catch (error) {
    error.message += `\nthe program said:\n${said.slice(-3000)}`;
    throw error;
  } finally {
    if (program.exitCode === null) program.kill('SIGTERM');
    await ended;
  }
}

const requests = async (page) => Number((await figure(page, 'Requests').innerText()).replaceAll(',', ''));
const state = (page, text) => page.locator('.bar .state', { hasText: text }).waitFor();

/** Every file that the page offers is there. */
async function files(page) {
  await tab(page, 'Download');
  const got = await page.evaluate(() =>
    Promise.all(
      [...document.querySelectorAll('.downloads a')].map(async (link) => {
        const answer = await fetch(link.href);
        return [link.getAttribute('href'), answer.status, (await answer.text()).length > 20];
      }),
    ),
  );
  assert.ok(got.length >= 4);
  for (const [href, status, full] of got) assert.deepEqual([href, status, full], [href, 200, true]);
}

test('a locustfile is started, edited, reloaded, stopped and started again', { skip: !THRONG }, () =>
  running(
    (port) => [
      'locust',
      '-f',
      'locustfile.py',
      '--host',
      host(),
      '--web-host',
      '127.0.0.1',
      '--web-port',
      `${port}`,
      '--class-picker',
      '--csv',
      'table',
      '--csv-full-history',
    ],
    async (page) => {
      await page.getByRole('button', { name: /^Change / }).click();
      await page.getByRole('dialog').getByLabel('Weight').fill('2.5');
      await page.getByRole('button', { name: 'Apply' }).click();
      await page.getByText('weight 2.5').waitFor();
      await page.getByLabel('Number of users').fill('3');
      await page.getByLabel('Spawn rate').fill('10');
      await page.getByRole('button', { name: 'Start' }).click();
      await state(page, 'Running');
      await until(
        () => requests(page),
        (count) => count > 20,
      );
      await page.getByRole('cell', { name: HOSTILE, exact: true }).first().waitFor();
      await tab(page, 'Failures');
      await page.locator('tbody', { hasText: '500' }).waitFor();

      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('dialog').getByLabel('Number of users').fill('7');
      await page.getByRole('button', { name: 'Apply' }).click();
      await until(
        () => figure(page, 'Users').innerText(),
        (text) => text === '7',
      );

      const snapshot = () => page.evaluate(() => fetch('api/v1/snapshot').then((answer) => answer.json()));
      // So that there are seconds before the reload.
      const seconds = await until(snapshot, ({ timeline }) => timeline.rps.length >= 3);
      const before = await requests(page);
      await tab(page, 'Charts');
      await page.reload();
      await page.locator('.plot canvas').first().waitFor();
      await until(
        () => requests(page),
        (count) => count >= before,
      );
      assert.equal(seconds.timeline.rps.length, seconds.timeline.users.length);
      await page.screenshot({ path: join(OUTPUT, 'real-locust-charts.png') });

      await page.getByRole('button', { name: 'Stop' }).click();
      await state(page, 'Stopped');
      await files(page);
      await page.locator('.card', { hasText: 'Full history, CSV' }).waitFor();
      const total = await requests(page);
      assert.ok(total > before);
      await page.getByRole('button', { name: 'New run' }).click();
      await page.getByRole('dialog').getByLabel('Number of users').fill('2');
      await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
      await state(page, 'Running');
      await until(
        () => requests(page),
        (count) => count > 0 && count < total,
      );
      await page.getByRole('button', { name: 'Stop' }).click();
      await state(page, 'Stopped');
    },
  ),
);

const GUARDED = `
from flask import redirect, request, session
from locust import User, events, task


class Idle(User):
    host = "http://localhost"

    @task
    def rest(self):
        pass


@events.init.add_listener
def guard(web_ui, **kwargs):
    app = web_ui.app
    app.secret_key = "of a test"
    out = []

    @app.before_request
    def known():
        if request.path != "/signin" and (out or not session.get("known")):
            return redirect("/signin")

    @app.route("/signin", methods=["GET", "POST"])
    def signin():
        if request.method == "POST":
            out.clear()
            session["known"] = True
            return redirect("/")
        return '<form method="post"><button>Let me in</button></form>'

    @app.route("/end")
    def end():
        out.append(True)
        return "ended"
`;

test("a locustfile's own guard stands before the page", { skip: !THRONG }, async () => {
  await writeFile(join(folder, 'guarded.py'), GUARDED);
  await running(
    (port) => ['locust', '-f', 'guarded.py', '--web-host', '127.0.0.1', '--web-port', `${port}`],
    async (page, { url }) => {
      await page.getByRole('button', { name: 'Let me in' }).click();
      await page.getByRole('button', { name: 'Start' }).waitFor();
      const status = (path, init) =>
        page.evaluate(([p, i]) => fetch(p, i).then((a) => a.status), [path, init]);
      assert.equal(await status('api/v1/snapshot'), 200);
      const stranger = await fetch(`${url}api/v1/snapshot`, { redirect: 'manual' });
      assert.deepEqual([stranger.status, stranger.headers.get('location')], [302, '/signin']);
      // The stream ends with the session, and the page with it.
      assert.equal(await status('end'), 200);
      await page.getByRole('button', { name: 'Let me in' }).waitFor({ timeout: 20_000 });
      await page.getByRole('button', { name: 'Let me in' }).click();
      await page.getByRole('button', { name: 'Start' }).waitFor();
    },
    process.env,
    '#view, form',
  );
});

test('what is watched stands below the load, on the same seconds', { skip: !THRONG }, async () => {
  const port = await freePort();
  const redis = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    cwd: folder,
    stdio: 'ignore',
  });
  try {
    const flags = (ui) => [
      'run',
      `--ui=127.0.0.1:${ui}`,
      '--linger',
      `--watch=redis://127.0.0.1:${port}`,
      '--expect=db_connections: max<1',
      '-e',
      `TARGET=${host()}`,
      'script.js',
    ];
    await running(flags, async (page) => {
      await state(page, 'Running');
      await tab(page, 'Charts');
      const chart = page.locator('figure.chart', { hasText: 'Database connections' });
      await chart.scrollIntoViewIfNeeded();
      await chart.locator('canvas').waitFor();
      await until(
        () => chart.locator('.legend li', { hasText: 'redis in use' }).innerText(),
        (text) => /\d/.test(text),
      );
      // The same seconds: what was read lies on the grid of the requests.
      const { timeline, watched } = await page.evaluate(() =>
        fetch('api/v1/snapshot').then((answer) => answer.json()),
      );
      const series = watched.find((one) => one.label === 'redis in use');
      assert.ok(series.values.length > 0 && series.from + series.values.length <= timeline.rps.length + 1);
      await state(page, 'Finished');
      await tab(page, 'Thresholds');
      await page.locator('tr', { hasText: 'max<1' }).getByText('✗ fails').waitFor();
      await tab(page, 'Charts');
      await chart.scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(OUTPUT, 'real-k6-watched.png'), fullPage: true });
    });
  } finally {
    redis.kill('SIGKILL');
  }
});

test('a k6 script runs to its end with a failing threshold', { skip: !THRONG }, () =>
  running(
    (port) => ['run', `--ui=127.0.0.1:${port}`, '--linger', '-e', `TARGET=${host()}`, 'script.js'],
    async (page) => {
      await state(page, 'Running');
      await until(
        () => requests(page),
        (count) => count > 10,
      );
      await reads(() => figure(page, 'VUs').innerText(), /^2/);
      await tab(page, 'Thresholds');
      await page.locator('tr', { hasText: 'p(95)<0.001' }).getByText('✗ fails').waitFor();
      await page.reload();
      await page.locator('tr', { hasText: 'count>0' }).getByText('✓ passes').waitFor();
      await tab(page, 'Checks');
      await page.locator('tr', { hasText: 'is a teapot' }).getByText('0 %', { exact: true }).waitFor();
      await tab(page, 'Scenarios');
      await page.getByRole('progressbar', { name: 'Progress of shop' }).waitFor();
      await state(page, 'Finished');
      await reads(() => figure(page, 'Thresholds').innerText(), /1 of 2 failed/);
      await tab(page, 'Statistics');
      await page.getByRole('cell', { name: HOSTILE, exact: true }).first().waitFor();
      await page.screenshot({ path: join(OUTPUT, 'real-k6-statistics.png') });
      await files(page);
    },
  ),
);

test('workers of a controller leave and join', { skip: !THRONG }, async () => {
  const workers = [];
  const bind = await freePort();
  const env = { ...process.env, THRONG_TOKEN: 'a token of this test alone' };
  const join_ = (name) => {
    const flags = ['worker', '--controller', `127.0.0.1:${bind}`, '--name', name, '--threads', '1'];
    workers.push(spawn(THRONG, flags, { env, stdio: 'ignore' }));
    return workers.at(-1);
  };
  const state = (page, name, text) =>
    page.locator('tr', { hasText: name }).getByText(text, { exact: true }).waitFor();
  try {
    await running(
      (port) => {
        join_('first');
        join_('second');
        return [
          'controller',
          `--ui=127.0.0.1:${port}`,
          '--bind',
          `127.0.0.1:${bind}`,
          '--expect-workers',
          '2',
          '-e',
          `TARGET=${host()}`,
          'long.js',
        ];
      },
      async (page) => {
        await tab(page, 'Workers');
        await state(page, 'first', 'running');
        await state(page, 'second', 'running');
        workers[1].kill('SIGKILL');
        await state(page, 'second', 'missing');
        await reads(() => figure(page, 'Workers').innerText(), /^1$/);
        join_('third');
        await state(page, 'third', 'running');
        const before = await requests(page);
        await until(
          () => requests(page),
          (count) => count > before,
        );
        await tab(page, 'Charts');
        await page.locator('summary', { hasText: 'Events' }).click();
        await page.getByText('worker second is missing').waitFor();
        await page.getByText('worker third joined').waitFor();
      },
      env,
    );
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
  }
});

test('five hundred names, hostile ones among them, stay text and usable', { skip: !THRONG }, () =>
  running(
    (port) => ['run', `--ui=127.0.0.1:${port}`, '--linger', '-e', `TARGET=${host()}`, 'many.js'],
    async (page) => {
      await state(page, 'Finished');
      const rows = page.locator('.table table');
      await until(
        () => rows.getAttribute('aria-rowcount'),
        (count) => Number(count) > 500,
      );
      await until(
        () => page.locator('tbody tr').count(),
        (count) => count < 80,
      );
      await page.getByLabel('Filter requests').fill('onerror');
      await page.getByRole('cell', { name: '<img src=x' }).first().waitFor();
      await page.getByLabel('Filter requests').fill('');
      await page.getByRole('button', { name: 'p95' }).click();
      const [width, wide] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.ok(wide <= width);
    },
  ),
);

test('a run that is over is in the history, and opened from there', { skip: !THRONG }, () =>
  running(
    (port) => [
      'run',
      `--ui=127.0.0.1:${port}`,
      '--history',
      join(folder, 'runs'),
      '--linger',
      '-e',
      `TARGET=${host()}`,
      'many.js',
    ],
    async (page) => {
      await state(page, 'Finished');
      await tab(page, 'History');
      await page.getByRole('button', { name: 'many' }).click();
      await page.getByText('This is run 1 of the history').waitFor();
      await until(
        () => requests(page),
        (count) => count === 504,
      );
      await tab(page, 'Charts');
      await page.locator('.plot canvas').first().waitFor();
    },
  ),
);
