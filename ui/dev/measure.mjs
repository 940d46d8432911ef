// What a tick costs an open page after four hours of seconds: 8 charts of 6 lines each, all of them in sight. Drives Chromium
// against the mock server and prints the page's work per tick and its longest task; fails above the limits.
// `npm run measure`. Not part of CI, as it measures the machine too.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { launch, open } from '../../tests/browser/browser.mjs';
import { MockServer } from './mock-server.mjs';

const SECONDS = 4 * 3600;
const TICKS = 20;
const TICK_MS = 80;
const TASK_MS = 100;

const dist = fileURLToPath(new URL('../dist-measure', import.meta.url));
const mock = new MockServer({ seconds: SECONDS, names: 40, dist });
const url = await mock.listen();
const browser = await launch();
try {
  // As tall as it takes for all charts to be seen; a user's window shows three of them.
  const { page, context } = await open(browser, `${url}dev/eight.html`, {
    viewport: { width: 1360, height: 2600 },
  });
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  await page.waitForFunction(() => document.querySelectorAll('.plot canvas').length >= 8);
  await page.waitForTimeout(2000);
  await page.evaluate(() => {
    window.tasks = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.tasks.push(entry.duration);
    }).observe({ type: 'longtask' });
  });
  const spent = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find((metric) => metric.name === 'TaskDuration').value * 1000;
  };
  const ticks = [];
  for (let i = 0; i < TICKS; i++) {
    const before = await spent();
    mock.tick();
    await page.waitForTimeout(700);
    ticks.push((await spent()) - before);
  }
  ticks.sort((a, b) => a - b);
  const tasks = await page.evaluate(() => window.tasks);
  const charts = await page.locator('.plot canvas').count();
  const median = ticks[Math.floor(ticks.length / 2)];
  const longest = Math.max(0, ...tasks);
  console.log(
    `${charts} charts of ${SECONDS} seconds: main thread per tick, median ${median.toFixed(1)} ms, most ${ticks.at(-1).toFixed(1)} ms`,
  );
  console.log(`tasks above 50 ms: ${tasks.length}, longest ${longest.toFixed(0)} ms`);
  assert.ok(median <= TICK_MS, `a tick costs more than ${TICK_MS} ms`);
  assert.ok(longest <= TASK_MS, `a task took more than ${TASK_MS} ms`);
} finally {
  await browser.close();
  await mock.close();
}
