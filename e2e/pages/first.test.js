// The first page of the development server, its documents, and the strip on every page.

import assert from 'node:assert/strict';
import { begin, browser, key, server, signInByTicket, state, tab, test, visit } from './world.js';

begin();

const tabs = ['Next.js', 'React + Express', 'Expo, mobile', 'Go', 'Python', 'Beside your own login'];

test('the first page connects an application: tabs by keyboard, and lines of this server to copy', async () => {
  const page = await visit(browser, server);
  await page.goto('/');
  await state(page, 'first');
  const panels = page.getByRole('tabpanel');
  assert.deepEqual(await page.getByRole('tab').allInnerTexts(), tabs);
  await tab(page, 'Next.js');
  for (const [pressed, name] of [['ArrowRight', 'React + Express'], ['End', 'Beside your own login'], ['ArrowRight', 'Next.js'], ['ArrowLeft', 'Beside your own login'], ['Home', 'Next.js']]) {
    await page.keyboard.press(pressed);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), name, pressed);
    assert.equal(await page.getByRole('tab', { selected: true }).innerText(), name, pressed);
    assert.equal(await panels.count(), 1, 'one panel is shown');
    assert.equal(await panels.getAttribute('aria-labelledby'), await page.getByRole('tab', { selected: true }).getAttribute('id'));
  }
  for (const name of tabs) {
    await page.getByRole('tab', { name, exact: true }).click();
    const lines = (await panels.locator('pre').allTextContents()).join('\n');
    assert.match(lines, /(URL|url)/i, name);
    assert.ok(lines.includes(server.url) || name === 'Next.js', `${name}: the address of this server`);
    for (const other of ['sk_test_local', 'localhost:8080', 'auth.example.com']) assert.ok(!lines.includes(other), `${name} has ${other}`);
    assert.ok(lines.includes(key) || name === 'Expo, mobile', `${name}: the key of this server`);
    await panels.getByRole('button', { name: /^Copy/ }).first().click();
    await page.getByText('Copied.').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await panels.locator('pre').first().textContent());
  }
  await panels.getByRole('link', { name: /whole guide/ }).click();
  await page.getByRole('heading', { level: 1, name: 'Beside your own login' }).waitFor();
  await page.done();
});

test('the buttons of the first page sign in and out', async () => {
  const page = await visit(browser, server);
  await page.goto('/');
  await page.getByRole('listitem').getByRole('button', { name: 'Sign in as Ada' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'Security' }).waitFor();
  await page.goto('/');
  await page.getByText('Signed in as Ada').waitFor();
  await page.getByRole('link', { name: 'Add a number' }).click();
  await page.getByRole('heading', { level: 1, name: 'Add a phone number' }).waitFor();
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('No user is signed in on this browser.').waitFor();
  await page.getByRole('button', { name: 'Sign in as Grace' }).first().click();
  await page.getByLabel('Six-digit code').waitFor();
  await page.done();
});

test('without scripts the first page shows every kind of application', async () => {
  const page = await visit(browser, server, { javaScriptEnabled: false });
  await page.goto('/');
  for (const name of tabs) await page.getByRole('heading', { level: 3, name, exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: /^Copy/ }).count(), 0);
  await page.done();
});

test('every page of a development server has the strip, with the simulated faults', async () => {
  const page = await visit(browser, server);
  const user = await server.userNamed('strip');
  await signInByTicket(page, server, user);
  await page.getByRole('heading', { level: 1, name: 'Security' }).waitFor();
  const strip = page.getByRole('complementary', { name: 'Development' });
  for (const path of ['/', '/sign-in', '/account/security', '/account/add-phone', '/dashboard/sign-in', '/dev/phone', '/reference', '/readme', '/nothing']) {
    await page.goto(path);
    await strip.getByText('Development server with demo data.').waitFor();
    await strip.getByRole('link', { name: 'Text messages' }).waitFor();
  }
  await server.faults({ sms: true });
  await page.goto('/account/security');
  await page.getByRole('heading', { level: 1, name: 'Security' }).and(page.locator(':not(.waiting > h1)')).waitFor();
  await strip.getByText('Text messages fail').waitFor();
  await state(page, 'strip-fault');
  await server.faults({});
  await page.goto('/account/security');
  await strip.getByRole('link', { name: 'First page' }).click();
  await page.getByRole('heading', { level: 1, name: 'Example is running' }).waitFor();
  await page.done();
});

test('README and guides are pages whose links lead on', async () => {
  const page = await visit(browser, server);
  await page.goto('/readme');
  await state(page, 'readme');
  await page.getByRole('article').locator('a[href^="/readme/docs/"]').first().click();
  await page.waitForURL('**/readme/docs/**');
  await page.goto('/readme/docs/start/own-login.md');
  await page.getByRole('heading', { level: 1, name: 'Beside your own login' }).waitFor();
  await state(page, 'guide');
  await page.done();
});

test('a browser gets a page for an unknown path', async () => {
  const page = await visit(browser, server);
  const answer = await page.goto('/nothing');
  assert.equal(answer.status(), 404);
  await page.getByRole('heading', { level: 1, name: 'Page not found' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Go to security settings' }).getAttribute('href'), '/account/security');
  await page.goto('/dashboard/nothing');
  assert.equal(await page.getByRole('link', { name: 'Go to the dashboard' }).getAttribute('href'), '/dashboard');
  await page.done();
});

test('the reference is grouped by subject, searched, and has a command for this server', async () => {
  const page = await visit(browser, server);
  await page.goto('/reference');
  await page.getByRole('heading', { level: 1, name: 'Reference' }).waitFor();
  await page.getByRole('complementary', { name: 'Development' }).waitFor();
  const find = page.getByRole('searchbox', { name: 'Find an operation' });
  const all = await page.getByRole('article').count();
  assert.ok(all > 90, `${all} operations`);
  await find.fill('backup code delete');
  await page.getByRole('article').nth(all - 1).waitFor({ state: 'hidden' });
  const left = await page.getByRole('article').count();
  assert.ok(left > 0 && left < 10, `${left} are found`);
  await page.getByText(`${left} operation`).waitFor();
  assert.equal(await page.getByRole('navigation', { name: 'Operations' }).getByRole('link').count(), left, 'links to what is found');
  await state(page, 'reference-found');
  await find.fill('users-count');
  await page.getByRole('button', { name: 'Copy the command of users-count' }).click();
  await page.getByText('Copied.').waitFor();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(command, new RegExp(`^curl \\\\\\n  '${server.url}/v1/users/count'`));
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const { stdout } = await promisify(execFile)('bash', ['-c', command], { env: { ...process.env, CLERK_SECRET_KEY: key } });
  assert.ok(JSON.parse(stdout).total_count >= 2, `the command works: ${stdout}`);
  await find.fill('zzqx');
  await page.getByText('0 operations').waitFor();
  await find.fill('');
  assert.equal(await page.getByRole('article').count(), all);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${over} pixels too wide`);
  await page.done();
});
