// The page against the mock server (ui/dev): every tab, commands, reloads, lost connections, narrow screens, reports.
// Time stands still in the mock but for `tick`, so that nothing here waits for a second to pass.

import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MockServer } from '../../ui/dev/mock-server.mjs';
import { becomes, figure, launch, OUTPUT, open, PHONE, reads, tab, until } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** Runs `check` with a page on a mock server. */
async function on(options, check, view = {}) {
  const mock = new MockServer({ now: 1_790_000_000_000, ...options });
  const url = await mock.listen();
  const { page, context, problems } = await open(browser, url + (view.hash ?? ''), view);
  try {
    await page.locator('#view').waitFor();
    await check(page, mock, url);
    assert.deepEqual(problems, []);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  } finally {
    await context.close();
    await mock.close();
  }
}

const rows = (page) => page.locator('tbody tr:not(.space):not(.empty)');

describe('a locustfile', () => {
  test('is started with what the form says', () =>
    on({ ready: true }, async (page, mock) => {
      await page.getByLabel('Number of users').fill('0');
      await page.getByRole('button', { name: 'Start' }).click();
      await reads(() => page.getByRole('alert').first().innerText(), /whole number/);
      assert.deepEqual(mock.posted, []);

      await page.getByLabel('Number of users').fill('30');
      await page.getByLabel('Spawn rate').fill('2.5');
      await page.getByLabel('Host').fill('refused');
      await page.getByLabel('Run time').fill('2m');
      await page.getByRole('checkbox', { name: 'ApiUser' }).uncheck();
      await page.getByLabel('items').fill('7');
      await page.getByLabel('region').selectOption('us');
      await page.getByLabel('verbose').check();
      await page.getByLabel('api_key').fill('s3cret');
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByText('is not a URL').waitFor();

      await page.getByLabel('Host').fill('https://shop.example');
      await page.getByRole('button', { name: 'Start' }).click();
      await page.getByRole('tab', { name: 'Statistics', selected: true }).waitFor();
      assert.deepEqual(mock.posted.at(-1), [
        'start',
        {
          users: 30,
          spawn_rate: 2.5,
          host: 'https://shop.example',
          run_time: '2m',
          classes: ['WebsiteUser'],
          arguments: {
            tenant: 'acme',
            items: 7,
            region: 'us',
            verbose: true,
            api_key: 's3cret',
          },
        },
      ]);
      await becomes(() => page.locator('.bar .state').innerText(), 'Spawning');
      await becomes(() => page.getByRole('tab', { name: 'Start' }).count(), 0);
    }));

  test('is edited, reset, stopped and started again', () =>
    on({ seconds: 60 }, async (page, mock) => {
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('dialog').getByLabel('Number of users').fill('250');
      await page.getByRole('dialog').getByLabel('Spawn rate').fill('50');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      assert.deepEqual(mock.posted.at(-1), ['users', { users: 250, spawn_rate: 50 }]);
      await until(
        () => figure(page, 'Users').innerText(),
        (text) => /200 \/ 250/.test(text),
      );
      mock.tick();
      await until(
        () => figure(page, 'Users').innerText(),
        (text) => text === '250',
      );

      await page.getByRole('button', { name: 'Reset' }).click();
      await until(
        () => figure(page, 'Requests').innerText(),
        (text) => text === '0',
      );

      await page.getByRole('button', { name: 'Stop' }).click();
      await page.locator('.bar .state', { hasText: 'Stopped' }).waitFor();
      await page.getByRole('button', { name: 'New run' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click();
      await page.locator('.bar .state', { hasText: 'Spawning' }).waitFor();
      assert.equal(mock.posted.at(-1)[0], 'start');
    }));

  test('shows each second as it comes', () =>
    on({ seconds: 100 }, async (page, mock) => {
      mock.tick(3);
      const count = mock.run.totals.count.toLocaleString('en-GB');
      await becomes(() => figure(page, 'Requests').innerText(), count);
      await becomes(() => rows(page).count(), 12);
      const index = mock.run.requests.findIndex((row) => row.name === '/cart' && row.method === 'GET');
      const row = page.locator('tbody tr', { hasText: /^GET\/cart/ });
      await reads(() => row.innerText(), new RegExp(mock.run.requests[index].count.toLocaleString('en-GB')));
      await reads(() => page.locator('tfoot').innerText(), /Aggregated/);
    }));
});

describe('a k6 script', () => {
  test('has checks, thresholds, scenarios and metrics, and ends', () =>
    on({ kind: 'k6', seconds: 300 }, async (page, mock) => {
      await tab(page, 'Thresholds');
      await page.getByText('✗ fails').waitFor();
      await page.getByText('○ no data').waitFor();
      await reads(() => figure(page, 'Thresholds').innerText(), /1 of 3 failed/);
      await tab(page, 'Checks');
      await page.getByText('buy › cart').waitFor();
      await tab(page, 'Scenarios');
      await becomes(() => page.getByRole('progressbar', { name: /browse/ }).count(), 1);
      await tab(page, 'Metrics');
      await page.getByText('basket_size').waitFor();
      await page.getByText('The generator may have been the bottleneck').waitFor();
      await becomes(() => page.getByRole('tab', { name: 'Task ratio' }).count(), 0);
      mock.tick(300);
      await page.locator('.bar .state', { hasText: 'Finished' }).waitFor();
      await becomes(() => page.getByRole('button', { name: 'Stop' }).count(), 0);
    }));

  test('is scaled and paused', () =>
    on({ kind: 'k6', seconds: 30 }, async (page, mock) => {
      await page.getByRole('button', { name: 'Scale' }).click();
      await page.getByLabel('Virtual users').fill('12');
      await page.getByLabel('At most').fill('11');
      await page.getByText('more than at most: raise 11 too').waitFor();
      await page.getByLabel('At most').fill('21');
      await page.getByRole('button', { name: 'Apply' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('button', { name: 'Resume' }).click();
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      assert.deepEqual(mock.posted, [
        ['scale', { vus: 12, max_vus: 21 }],
        ['pause', {}],
        ['resume', {}],
      ]);
    }));

  test('shows before the start what is planned', () =>
    on({ kind: 'k6', ready: true }, async (page, mock) => {
      await page.getByText('up to 140 looping VUs').waitFor();
      await page.getByRole('button', { name: 'Start' }).click();
      await page.locator('.bar .state', { hasText: 'Spawning' }).waitFor();
      assert.deepEqual(mock.posted, [['start', {}]]);
    }));
});

describe('charts', () => {
  /** How many pixels of a chart are neither empty nor grey. */
  const coloured = (page, index) =>
    page
      .locator('.plot canvas')
      .nth(index)
      .evaluate((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let found = 0;
        for (let i = 0; i < data.length; i += 4) {
          const [r, g, b, a] = data.subarray(i, i + 4);
          if (a > 200 && Math.max(r, g, b) - Math.min(r, g, b) > 60) found++;
        }
        return found;
      });

  test('draw the whole run for a page that is opened late, and its reload', () =>
    on(
      { seconds: 400 },
      async (page) => {
        for (let round = 0; round < 2; round++) {
          for (const index of [0, 1, 2])
            await until(
              () => coloured(page, index),
              (found) => found > 300,
            );
          await reads(() => page.locator('.legend').first().innerText(), /requests\/s\s+[\d,.]+/);
          await page.reload();
        }
      },
      { hash: '#charts' },
    ));

  test('follow the pointer together, zoom together, and mark events', () =>
    on(
      { seconds: 400 },
      async (page) => {
        const plot = page.locator('.plot .u-over');
        await until(
          () => plot.count(),
          (count) => count === 3,
        );
        const box = await plot.first().boundingBox();
        const users = page.locator('.chart').nth(2).locator('.legend b').first();
        await becomes(() => users.innerText(), '200');
        await page.mouse.move(box.x + 4, box.y + 60);
        await until(
          () => users.innerText(),
          (text) => Number(text) < 100,
        );

        const at = (second) => box.x + (box.width * second) / 399;
        await page.mouse.move(at(90), box.y + 60);
        await page.getByText('worker node-2 lost').first().waitFor();

        await page.mouse.move(at(100), box.y + 60);
        await page.mouse.down();
        await page.mouse.move(at(200), box.y + 60, { steps: 4 });
        await page.mouse.up();
        const shown = page.getByLabel('Time shown');
        await until(
          () => shown.inputValue(),
          (value) => value === '-1',
        );
        await plot.nth(1).dblclick();
        await until(
          () => shown.inputValue(),
          (value) => value === '0',
        );
        await page.getByRole('button', { name: 'Zoom in' }).click();
        await until(
          () => shown.inputValue(),
          (value) => value === '-1',
        );
        await shown.selectOption('Last minute');
        await until(
          () => shown.inputValue(),
          (value) => value === '1',
        );
      },
      { hash: '#charts' },
    ));

  test('hide and show percentiles, and remember which', () =>
    on(
      { seconds: 50 },
      async (page) => {
        const p99 = page.getByRole('button', { name: /^p99/ });
        await p99.click();
        await becomes(() => p99.getAttribute('aria-pressed'), 'false');
        await page.reload();
        await until(
          () => p99.getAttribute('aria-pressed'),
          (pressed) => pressed === 'false',
        );
        await becomes(
          () => page.getByRole('button', { name: /^mean/ }).getAttribute('aria-pressed'),
          'false',
        );
      },
      { hash: '#charts' },
    ));

  test('show single requests, found by keyboard, and compare them', () =>
    on(
      { seconds: 120 },
      async (page, mock) => {
        const field = page.getByRole('combobox', {
          name: 'Add a request to the charts',
        });
        await field.fill('checkout');
        await page.keyboard.press('Enter');
        await until(
          () => page.url(),
          (url) => url.endsWith('#charts/5'),
        );
        await until(
          () => coloured(page, 0),
          (found) => found > 300,
        );
        await field.fill('search');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('Enter');
        await until(
          () => page.url(),
          (url) => url.endsWith('#charts/5,6'),
        );
        const titles = () => page.locator('.chart h3').allInnerTexts();
        await becomes(titles, [
          'Requests per second',
          'Failures per second',
          'Response times, p50',
          'Response times, p95',
          'Response times, p99',
          'Users',
        ]);
        await page.reload();
        const value = page.locator('.legend b').first();
        await until(
          () => value.innerText(),
          (text) => /\d/.test(text),
        );
        mock.tick(4);
        await until(
          () => value.innerText(),
          (text) => text === String(mock.run.perRequest[5].rps.at(-1)) || /^\d+\.\d/.test(text),
        );
        await page.getByRole('button', { name: 'show the total' }).click();
        await until(
          () => page.url(),
          (url) => url.endsWith('#charts'),
        );
      },
      { hash: '#charts' },
    ));

  test('open from a row of the statistics, and the back button returns', () =>
    on({ seconds: 60 }, async (page) => {
      await page.getByRole('button', { name: '/checkout' }).click();
      await page.locator('.chips', { hasText: 'POST /checkout' }).waitFor();
      await page.goBack();
      await page.getByRole('tab', { name: 'Statistics', selected: true }).waitFor();
    }));
});

describe('tables', () => {
  test('are sorted, filtered, and have the columns one wants', () =>
    on({ seconds: 60 }, async (page) => {
      const names = () => page.locator('tbody td:nth-child(2)').allInnerTexts();
      await until(names, ([first]) => first === '/');
      await page.getByRole('button', { name: 'Requests' }).click();
      await becomes(
        () => page.getByRole('columnheader', { name: /Requests/ }).getAttribute('aria-sort'),
        'descending',
      );
      await until(
        () => page.locator('tbody td:nth-child(3)').allInnerTexts(),
        (texts) => {
          const numbers = texts.map((text) => Number(text.replaceAll(',', '')));
          return numbers.every((value, at) => at === 0 || numbers[at - 1] >= value);
        },
      );

      await page.getByLabel('Filter requests').fill('cart post');
      await becomes(names, ['/cart']);
      await page.getByText('1 of 12').waitFor();
      await page.getByLabel('Filter requests').fill('nothing has this name');
      await page.getByText('No request matches the filter.').waitFor();
      await page.getByLabel('Filter requests').fill('');

      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByLabel('p90').check();
      await page.getByLabel('Size').uncheck();
      await page.keyboard.press('Escape');
      await page.reload();
      await page.getByRole('columnheader', { name: 'p90' }).waitFor();
      await becomes(() => page.getByRole('columnheader', { name: 'Size' }).count(), 0);
    }));

  test('of ten thousand names keep few rows in the document, and stay quick', () =>
    on({ names: 10_000, seconds: 60 }, async (page, mock) => {
      await until(
        () => rows(page).count(),
        (count) => count > 10 && count < 80,
      );
      const seen = mock.run.requests.filter((row) => row.count > 0).length;
      await becomes(() => page.locator('.table table').getAttribute('aria-rowcount'), String(seen + 1));
      await page.locator('.table').evaluate((table) => table.scrollTo(0, table.scrollHeight));
      await until(
        () => rows(page).last().getAttribute('aria-rowindex'),
        (index) => Number(index) === seen + 1,
      );
      await page.getByLabel('Filter requests').fill('09999');
      await until(
        () => rows(page).count(),
        (count) => count === 1,
      );
      await page.getByLabel('Filter requests').fill('');
      await page.getByRole('button', { name: 'p95' }).click();
      mock.tick(5);
      await until(
        () => figure(page, 'Requests').innerText(),
        (text) => text === mock.run.totals.count.toLocaleString('en-GB'),
      );
    }));
});

describe('what comes from a target', () => {
  for (const kind of ['locust', 'k6']) {
    test(`is text, whatever it is (${kind})`, () =>
      on({ kind, hostile: true, names: 10, seconds: 240 }, async (page, mock) => {
        mock.run.log('error', '<img src=x onerror="window.hacked = 9">');
        mock.say('log', mock.run.logs.at(-1));
        await page.getByText('<script>window.hacked = 1</script>').first().waitFor();
        const labels = await page.getByRole('tab').allInnerTexts();
        for (const label of labels) {
          await tab(page, label.replace(/\s*\d+\+?$/, ''));
          const [width, wide] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
          assert.ok(wide <= width, `${label}: the page is ${wide} wide`);
          const inside = await page.evaluate(
            () => document.querySelectorAll('#app img, #app script, #app iframe').length,
          );
          assert.equal(inside, 0, label);
        }
        await tab(page, 'Failures');
        await page.locator('.cell-link').first().click();
        await page.getByRole('dialog').locator('pre').first().waitFor();
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await page.goto(page.url().replace(/#.*/, '#charts/0,1,8,9'));
        await page.locator('.chips li').nth(3).waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0);
      }));
  }
});

describe('the connection', () => {
  test('is tried again when it is lost, and the data stays meanwhile', () =>
    on({ seconds: 80 }, async (page, mock) => {
      const before = await figure(page, 'Requests').innerText();
      mock.refusing = true;
      mock.drop();
      await page.getByText('Connection lost').waitFor();
      await becomes(() => figure(page, 'Requests').innerText(), before);
      await becomes(() => page.getByRole('button', { name: 'Stop' }).isDisabled(), true);
      mock.tick(50);
      mock.refusing = false;
      await page.getByText('Connection lost').waitFor({ state: 'detached' });
      await becomes(
        () => figure(page, 'Requests').innerText(),
        mock.run.totals.count.toLocaleString('en-GB'),
      );
      await becomes(() => page.getByRole('button', { name: 'Stop' }).isEnabled(), true);
    }));

  test('works under a base path', () =>
    on({ seconds: 10, base: '/load/test/' }, async (page, mock) => {
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.locator('.bar .state', { hasText: 'Stopped' }).waitFor();
      assert.deepEqual(mock.posted, [['stop', {}]]);
    }));
});

describe('past runs', () => {
  test('are listed, opened with all their tabs, and left again', () =>
    on({ kind: 'k6', seconds: 60, past: true }, async (page, mock) => {
      const live = await figure(page, 'Requests').innerText();
      await tab(page, 'History');
      await until(
        () => rows(page).count(),
        (count) => count === 3,
      );
      await page.locator('tr', { hasText: 'nightly' }).getByText('baseline').waitFor();
      await page.getByRole('button', { name: 'nightly' }).click();
      await page.getByText('This is run 2 of the history').waitFor();
      await reads(() => page.url(), /#2\/statistics$/);
      const past = mock.past.snapshots.get(2);
      const requests = past.totals.count.toLocaleString('en-GB');
      await until(
        () => figure(page, 'Requests').innerText(),
        (text) => text === requests,
      );
      await becomes(() => page.getByRole('button', { name: 'Stop' }).count(), 0);
      // The live run goes on meanwhile, and is not mixed in.
      mock.tick(5);
      for (const name of [
        'Charts',
        'Failures',
        'Checks',
        'Thresholds',
        'Scenarios',
        'Metrics',
        'Logs',
        'Download',
      ])
        await tab(page, name);
      await becomes(
        () => page.locator('.downloads a').first().getAttribute('href'),
        'api/v1/history/2/report',
      );
      await page.reload();
      await page.getByText('This is run 2 of the history').waitFor();
      await until(
        () => figure(page, 'Requests').innerText(),
        (text) => text === requests,
      );
      await page.getByRole('button', { name: 'Back to the live run' }).click();
      await until(
        () => figure(page, 'Requests').innerText(),
        (text) => text === mock.run.totals.count.toLocaleString('en-GB') && text !== live,
      );
      await page.goBack();
      await page.getByText('This is run 2 of the history').waitFor();
    }));

  test('are renamed, marked and deleted', () =>
    on({ seconds: 20, past: true }, async (page, mock) => {
      await tab(page, 'History');
      const more = (id) => page.getByRole('button', { name: `More of run ${id}` });
      await more(1).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name').fill('the old one');
      await dialog.getByRole('button', { name: 'Rename' }).click();
      await page.getByRole('button', { name: 'the old one' }).waitFor();
      await dialog.getByRole('button', { name: 'Make it the baseline' }).click();
      await dialog.getByRole('button', { name: 'No baseline any more' }).waitFor();
      assert.deepEqual(
        mock.past.runs.map((run) => run.baseline),
        [true, false, false],
      );
      await page.keyboard.press('Escape');
      await more(3).click();
      await dialog.getByRole('button', { name: 'Delete' }).click();
      assert.equal(mock.past.runs.length, 3);
      await dialog.getByRole('button', { name: 'Yes, delete run 3' }).click();
      await until(
        () => rows(page).count(),
        (count) => count === 2,
      );
      // Another page, or a run that ended, adds one.
      mock.past.runs.push({ ...mock.past.runs[0], id: 9, name: 'just ended', baseline: false });
      mock.say('history', {});
      await page.getByRole('button', { name: 'just ended' }).waitFor();
    }));

  test('stand side by side, with a verdict and their charts', () =>
    on({ seconds: 20, past: true, hostile: true }, async (page) => {
      await tab(page, 'History');
      await page.getByText('Tick two runs to compare them.').waitFor();
      await page.getByLabel('Compare run 3').check();
      await page.getByRole('button', { name: 'Compare 3 with its baseline 2' }).waitFor();
      await page.getByLabel('Compare run 1').check();
      await page.getByRole('button', { name: 'Compare 3 with 1' }).click();
      await page.getByText('✗ Worse than the base').waitFor();
      await page.getByText('The script changed between the two runs.').waitFor();
      await until(
        () => rows(page).count(),
        (count) => count > 5,
      );
      await reads(() => page.locator('tfoot').innerText(), /All requests/);
      await page.locator('.plot').first().scrollIntoViewIfNeeded();
      await page.locator('.plot canvas').first().waitFor();
      await reads(() => page.locator('.legend').first().innerText(), /base[\s\S]*run/);
      await page.locator('tbody .cell-link').first().click();
      await page.getByRole('button', { name: 'show all requests' }).waitFor();
      await page.getByLabel('p95 +').fill('50');
      await page.keyboard.press('Tab');
      await until(
        () => page.locator('a.button', { hasText: 'Report' }).getAttribute('href'),
        (href) => href === 'api/v1/compare/report?base=1&run=3&tolerance=p95%3D50%25%2Cfailures%3D1',
      );
      await page.getByRole('button', { name: 'Swap them' }).click();
      await page.getByText('As the base, within what is tolerated').waitFor();
      const [width, wide] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
      assert.ok(wide <= width, `the page is ${wide} wide`);
    }));

  test('are all there is where nothing runs', () =>
    on({ past: true, only: true }, async (page) => {
      await page.getByText('Past runs', { exact: true }).waitFor();
      await becomes(() => page.getByRole('tab').allInnerTexts(), ['History']);
      await page.getByRole('button', { name: 'before the change' }).click();
      await page.getByRole('tab', { name: 'Statistics', selected: true }).waitFor();
      await page.getByRole('button', { name: 'Back to the list' }).click();
      await until(
        () => page.getByRole('tab').count(),
        (count) => count === 1,
      );
    }));

  test('that are gone are said to be', () =>
    on(
      { seconds: 20, past: true },
      async (page) => {
        await page.getByText('Run 77 cannot be shown: there is no run 77').waitFor();
        await page.getByRole('button', { name: 'Back to the live run' }).click();
        await page.getByRole('button', { name: 'Stop' }).waitFor();
      },
      { hash: '#77/statistics' },
    ));
});

describe('what is watched beside a k6 script', () => {
  const view = { hash: '#charts' };

  test('has charts on the seconds of the load, which ticks go on with', () =>
    on(
      { kind: 'k6', seconds: 59 },
      async (page, mock) => {
        const replicas = page.locator('figure.chart', { hasText: 'Replicas' });
        // Charts are drawn when they can be seen.
        await replicas.scrollIntoViewIfNeeded();
        await replicas.locator('canvas').waitFor();
        const titles = async () => (await page.locator('figure.chart h3').allInnerTexts()).slice(-4);
        await becomes(titles, ['Replicas', "Autoscaler's metric", 'Database connections', 'Database size']);
        const legend = () => replicas.locator('.legend').innerText();
        await reads(legend, /web replicas\s+2\.00\s+web wanted\s+2\.00/);
        mock.tick(2);
        await reads(legend, /web wanted\s+3\.00/);
        // The decision is a line in every chart, and an event.
        await page.getByText(/^Events/).click();
        await page.locator('.marks li', { hasText: 'scaling up, 2 → 3 replicas wanted' }).waitFor();
      },
      view,
    ));

  test('tells how long scaling took, step by step', () =>
    on(
      { kind: 'k6', seconds: 80 },
      async (page) => {
        const scaling = page.getByRole('region', { name: 'Scaling' });
        await scaling.getByText('web: 2 → 3 replicas, ready 70 s after the load began to rise').waitFor();
        await reads(
          () => scaling.locator('li', { hasText: 'decided' }).innerText(),
          /\+15 s\s+2 → 3 replicas/,
        );
        await reads(() => scaling.locator('li', { hasText: 'latency recovered' }).innerText(), /not seen/);
        await page.setViewportSize({ width: 1360, height: 1900 });
        await page.locator('figure.chart', { hasText: 'Database size' }).locator('canvas').waitFor();
        await page.screenshot({ path: join(OUTPUT, 'k6-watched.png'), fullPage: true });
      },
      view,
    ));

  test('cannot smuggle anything in', () =>
    on(
      { kind: 'k6', seconds: 80, hostile: true },
      async (page) => {
        await page
          .getByRole('region', { name: 'Scaling' })
          .getByText('<script>window.hacked = 1</script>')
          .first()
          .waitFor();
      },
      view,
    ));
});

test('a report needs no server', async () => {
  const dist = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../../ui/dist');
  const assets = await readdir(join(dist, 'assets'));
  const read = (end) =>
    readFile(
      join(
        dist,
        'assets',
        assets.find((name) => name.endsWith(end)),
      ),
      'utf8',
    );
  const [script, style] = [await read('.js'), await read('.css')];
  const mock = new MockServer({
    now: 1_790_000_000_000,
    seconds: 200,
    hostile: true,
    names: 10,
  });
  mock.run.stop();
  const run = {
    ...mock.run.snapshot(),
    per_request: [{ id: 2, ...mock.run.requestTimeline(2) }],
  };
  const html = (await readFile(join(dist, 'index.html'), 'utf8'))
    .replace(/<link[^>]*>/g, '')
    .replace(/<script type="module"[^>]*><\/script>/, '')
    .replace('</head>', () => `<style>${style}</style></head>`)
    .replace(
      /(<script type="application\/json" id="run">)/,
      (tag) => tag + JSON.stringify(run).replaceAll('<', '\\u003c'),
    )
    .replace('</body>', () => `<script type="module">${script}</script></body>`);
  const path = join(OUTPUT, 'report.html');
  await writeFile(path, html);
  const { page, context, problems } = await open(browser, `file://${path}`);
  await page.locator('.bar .state', { hasText: 'Stopped' }).waitFor();
  await page.getByText('<script>window.hacked = 1</script>').first().waitFor();
  await becomes(() => page.getByRole('button', { name: 'New run' }).count(), 0);
  await becomes(() => page.getByRole('tab', { name: 'Download' }).count(), 0);
  await tab(page, 'Charts');
  await page.locator('.plot canvas').first().waitFor();
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.deepEqual(problems, []);
  await context.close();
});

describe('everybody', () => {
  test('can use it by keyboard alone', () =>
    on({ seconds: 60 }, async (page) => {
      await page.getByRole('tab', { name: 'Statistics' }).focus();
      const seen = [];
      const count = await page.getByRole('tab').count();
      for (let i = 0; i < count; i++) {
        await page.keyboard.press('ArrowRight');
        const open = page.getByRole('tab', { selected: true });
        assert.ok(await open.evaluate((element) => element === document.activeElement));
        seen.push(new URL(page.url()).hash);
      }
      assert.equal(new Set(seen).size, count);
      await page.keyboard.press('End');
      await page.reload();
      await page.getByRole('tab', { name: 'Download', selected: true }).waitFor();
    }));

  test('finds a name on each control', async () => {
    for (const kind of ['locust', 'k6']) {
      await on({ kind, seconds: 60 }, async (page) => {
        for (const label of await page.getByRole('tab').allInnerTexts()) {
          await tab(page, label.replace(/\s*\d+\+?$/, ''));
          const nameless = await page.evaluate(() =>
            [...document.querySelectorAll('button, input, select, a, section[aria-label]')]
              .filter((element) => element.checkVisibility())
              .filter((element) => {
                const text =
                  element.innerText ||
                  element.ariaLabel ||
                  [...(element.labels ?? [])].map((l) => l.innerText).join('');
                return !text.trim();
              })
              .map((element) => element.outerHTML.slice(0, 200)),
          );
          assert.deepEqual(nameless, [], label);
        }
      });
    }
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`can read it (${colorScheme})`, () =>
      on(
        { seconds: 5 },
        async (page) => {
          const poor = await page.evaluate(() => {
            const probe = document.createElement('i');
            document.body.append(probe);
            const luminance = (name) => {
              probe.style.color = `var(${name})`;
              const [r, g, b] = getComputedStyle(probe)
                .color.match(/[\d.]+/g)
                .map((part) => part / 255)
                .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
              return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const contrast = (a, b) => {
              const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
              return (x + 0.05) / (y + 0.05);
            };
            // Text needs 4.5 (WCAG AA), lines of charts 3.
            const pairs = [];
            for (const back of ['--page', '--surface', '--raised']) {
              for (const front of ['--text', '--muted', '--accent', '--good', '--bad', '--warn'])
                pairs.push([front, back, 4.5]);
            }
            for (const tone of ['good', 'bad', 'warn', 'accent'])
              pairs.push([`--${tone}`, `--${tone}-soft`, 4.5]);
            pairs.push(['--on-accent', '--accent', 4.5]);
            const lines = ['rps', 'fps', 'users', 'p50', 'p75', 'p90', 'p95', 'p99', 'max', 'mean'];
            for (const line of [...lines, ...[1, 2, 3, 4, 5, 6].map((i) => `line-${i}`)])
              pairs.push([`--${line}`, '--surface', 3]);
            return pairs
              .map(([front, back, least]) => [front, back, least, contrast(front, back)])
              .filter(([, , least, got]) => got < least);
          });
          assert.deepEqual(poor, []);
        },
        { colorScheme },
      ));
  }

  test('can use it on a phone', () =>
    on(
      { seconds: 150 },
      async (page) => {
        for (const label of await page.getByRole('tab').allInnerTexts()) {
          await tab(page, label.replace(/\s*\d+\+?$/, ''));
          const [width, wide] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
          assert.ok(wide <= width, `${label}: the page is ${wide} wide on ${width}`);
        }
        // The last tab's place in the bar is beyond the screen.
        await page.reload();
        const box = () => page.getByRole('tab', { selected: true }).boundingBox();
        await until(box, (seen) => seen && seen.x >= 0 && seen.x + seen.width < PHONE.width + 1);
      },
      { viewport: PHONE, hasTouch: true, isMobile: true },
    ));
});
