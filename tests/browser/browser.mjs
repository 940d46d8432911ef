// What the browser tests share: Debian's Chromium driven by playwright-core (from ui/node_modules), and a page that fails
// its test when a script throws, the content security policy is violated, or something is asked of another host.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const HERE = dirname(fileURLToPath(import.meta.url));
const { chromium } = createRequire(join(HERE, '../../ui/package.json'))('playwright-core');

/** Where pictures go; not committed. */
export const OUTPUT = join(HERE, '../output/browser');

export const DESKTOP = { width: 1360, height: 860 };
export const PHONE = { width: 390, height: 844 };

const PROGRAMS = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

export async function launch() {
  const executablePath = PROGRAMS.find((path) => path && existsSync(path));
  assert.ok(executablePath, 'chromium is missing: install it, or say where it is with CHROMIUM');
  mkdirSync(OUTPUT, { recursive: true });
  // Containers rarely allow Chromium's own sandbox, and their /dev/shm is small.
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}

/** A page in a profile of its own. `problems` fills with what must not happen. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({
    viewport: DESKTOP,
    colorScheme: 'light',
    locale: 'en-GB',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) problems.push(`policy: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !/^(data|blob|file):/.test(request.url())) {
      problems.push(`request to ${request.url()}`);
    }
  });
  if (url) await page.goto(url);
  return { page, context, problems };
}

/** Opens a tab by its label. */
export async function tab(page, name) {
  await page.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
}

/** A figure of the header, as text. */
export const figure = (page, label) =>
  page.locator('.figure', { has: page.locator('dt', { hasText: label }) }).locator('dd');

/** Waits until `read` gives what `wanted` accepts; shows what it gave last. */
export async function until(read, wanted, patience = 10_000) {
  const deadline = Date.now() + patience;
  for (;;) {
    const got = await read();
    if (wanted(got)) return got;
    assert.ok(Date.now() < deadline, `waited in vain; last: ${JSON.stringify(got)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Waits until `read` gives this: what is on the page came by the stream, and is drawn some time after. */
export const becomes = (read, expected) => until(read, (got) => isDeepStrictEqual(got, expected));

/** Waits until the text that `read` gives is such. */
export const reads = (read, pattern) => until(read, (text) => pattern.test(text));
