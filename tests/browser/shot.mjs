// One picture of a live page: node tests/browser/shot.mjs URL FILE [WIDTH HEIGHT]. A headless Chromium alone waits for
// ever, since the page's stream never ends.

import { launch, open } from './browser.mjs';

const [url, file, width = '1200', height = '900'] = process.argv.slice(2);
const browser = await launch();
try {
  const { page, problems } = await open(browser, url, {
    viewport: { width: Number(width), height: Number(height) },
  });
  await page.locator('.plot canvas, table').first().waitFor();
  // Charts are drawn once they are in view.
  await page.mouse.wheel(0, 10_000);
  await page.waitForTimeout(1500);
  await page.screenshot({ path: file, fullPage: true });
  if (problems.length > 0) throw new Error(problems.join('\n'));
} finally {
  await browser.close();
}
