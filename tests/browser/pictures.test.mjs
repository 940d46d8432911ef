// A picture of each tab in both colour schemes, for people to look at: tests/output/browser/*.png.

import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MockServer } from '../../ui/dev/mock-server.mjs';
import { launch, OUTPUT, open, PHONE, tab } from './browser.mjs';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const RUNS = {
  locust: { kind: 'locust', seconds: 700, past: true },
  k6: { kind: 'k6', seconds: 540 },
  ready: { kind: 'locust', ready: true },
};

for (const [name, options] of Object.entries(RUNS)) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${name}, ${colorScheme}`, async () => {
      const mock = new MockServer({ now: 1_790_000_000_000, ...options });
      const url = await mock.listen();
      const { page, context } = await open(browser, url, {
        colorScheme,
        reducedMotion: 'reduce',
      });
      try {
        await pictures(page, url, name, colorScheme);
      } finally {
        await context.close();
        await mock.close();
      }
    });
  }
}

async function pictures(page, url, name, colorScheme) {
  await page.getByRole('tab').first().waitFor();
  const picture = (what) =>
    page.screenshot({
      path: join(OUTPUT, `${name}-${what}-${colorScheme}.png`),
    });
  for (const label of await page.getByRole('tab').allInnerTexts()) {
    const clean = label.replace(/\s*\d+\+?$/, '');
    await tab(page, clean);
    if (clean === 'Charts' && name !== 'ready') await page.locator('.plot canvas').nth(1).waitFor();
    await picture(clean.toLowerCase().replace(' ', '-'));
  }
  if (name === 'locust') {
    await page.goto(`${url}#charts/1,3,5`);
    await page.locator('.plot canvas').nth(1).waitFor();
    await picture('charts-compared');
    await page.getByRole('button', { name: 'Edit' }).click();
    await picture('edit');
    await page.keyboard.press('Escape');
    await page.goto(`${url}#compare/1,3`);
    await page.locator('.judged').waitFor();
    await picture('compare');
    await page.locator('.plot').first().scrollIntoViewIfNeeded();
    await page.locator('.plot canvas').first().waitFor();
    await picture('compare-charts');
    await page.goto(`${url}#2/statistics`);
    await page.getByText('This is run 2').waitFor();
    await picture('past');
    await page.setViewportSize(PHONE);
    for (const name of [
      'history',
      'compare/1,3',
      'failures',
      'workers',
      'logs',
      'exceptions',
      'tasks',
      'download',
    ]) {
      await page.goto(`${url}#${name}`);
      await page
        .locator(name.startsWith('compare') ? '.judged' : '#view > *')
        .first()
        .waitFor();
      await picture(`phone-${name.split('/')[0]}`);
    }
    await page.goto(`${url}#statistics`);
    await picture('phone');
    await page.goto(`${url}#charts`);
    await page.locator('.plot canvas').first().waitFor();
    await picture('phone-charts');
  }
  if (name === 'k6') {
    await page.getByRole('button', { name: 'Scale' }).click();
    await page.getByRole('dialog').waitFor();
    await picture('scale');
    await page.keyboard.press('Escape');
    await page.setViewportSize(PHONE);
    for (const name of ['statistics', 'checks', 'thresholds', 'scenarios', 'metrics']) {
      await page.goto(`${url}#${name}`);
      await page.locator('#view > *').first().waitFor();
      await picture(`phone-${name}`);
    }
  }
  if (name === 'ready') {
    await page.setViewportSize(PHONE);
    await page.goto(`${url}#start`);
    await picture('phone');
  }
}
