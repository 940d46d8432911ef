// The login of the real program, in a browser: nobody sees the page without it, and a session ends when it is ended.
// `THRONG` names the program (`./x test ui` sets it).

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, OUTPUT, until } from './browser.mjs';

const THRONG = process.env.THRONG;
const SCRIPT = `
import { sleep } from 'k6';
export const options = {
  scenarios: { shop: { executor: 'externally-controlled', vus: 2, maxVUs: 5, duration: '10m' } },
};
export default () => sleep(0.05);
`;

let browser;
let folder;
before(async () => {
  if (!THRONG) return;
  browser = await launch();
  folder = await mkdtemp(join(tmpdir(), 'throng-login-'));
  await writeFile(join(folder, 'script.js'), SCRIPT);
});
after(async () => {
  await browser?.close();
  if (folder) await rm(folder, { recursive: true });
});

test('a login is asked for, kept and ended; then a run is paused, scaled and stopped', {
  skip: !THRONG,
}, async () => {
  const program = spawn(THRONG, ['run', '--ui=127.0.0.1:0', '--web-login', 'script.js'], {
    cwd: folder,
    env: { ...process.env, THRONG_WEB_USER: 'ann', THRONG_WEB_PASSWORD: 'correct horse' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(program, 'exit');
  let said = '';
  for (const stream of [program.stdout, program.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  try {
    await until(
      () => said,
      (text) => text.includes('web dashboard: http://'),
      30_000,
    );
    const url = said.match(/web dashboard: (\S+)/)[1];
    const context = await browser.newContext({ colorScheme: 'dark' });
    const page = await context.newPage();
    await page.goto(url);
    assert.equal(new URL(page.url()).pathname, '/login');
    await page.screenshot({ path: join(OUTPUT, 'login-dark.png') });

    await page.getByLabel('User').fill('ann');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('alert').filter({ hasText: 'User or password is wrong.' }).waitFor();
    await page.getByLabel('User').fill('ann');
    await page.getByLabel('Password').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.locator('.bar .state', { hasText: 'Running' }).waitFor();
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.secure], [true, 'Strict', false]);

    const other = await context.newPage();
    await other.goto(url);
    await other.locator('.bar .state', { hasText: 'Running' }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await other.locator('.bar .state', { hasText: 'Paused' }).waitFor();
    await other.getByRole('button', { name: 'Resume' }).click();
    await page.locator('.bar .state', { hasText: 'Running' }).waitFor();
    await page.getByRole('button', { name: 'Scale' }).click();
    await page.getByLabel('Virtual users').fill('4');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.locator('.figure', { hasText: 'VUs' }).locator('dd', { hasText: /^4$/ }).waitFor();
    // More than the script's own maximum, which goes up with them.
    await page.getByRole('button', { name: 'Scale' }).click();
    await page.getByLabel('Virtual users').fill('7');
    await page.getByLabel('At most').fill('8');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.locator('.figure', { hasText: 'VUs' }).locator('dd', { hasText: /^7$/ }).waitFor();

    await other.getByRole('button', { name: 'Log out' }).click();
    await other.getByLabel('User').waitFor();
    await page.reload();
    assert.equal(new URL(page.url()).pathname, '/login');
    await page.getByLabel('User').fill('ann');
    await page.getByLabel('Password').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const [code] = await ended;
    assert.equal(code, 103, said);
    await context.close();
  } catch (error) {
    error.message += `\nthe program said:\n${said.slice(-3000)}`;
    throw error;
  } finally {
    if (program.exitCode === null) program.kill('SIGTERM');
    await ended;
  }
});
