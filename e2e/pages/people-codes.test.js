// Codes as people meet them: begun again, reloaded, mistyped, asked for twice.

import assert from 'node:assert/strict';
import { begin, browser, focused, heading, press, server, state, test, visit } from './world.js';

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const number = (n) => `+12015551${n}`;
const reserved = (to) => ({ phone_number: [to], phone_number_identification_status: ['reserved'] });
begin({
  prepare: async () => {
    await server.settings({ test_mode: false });
  },
});

const password = async (page, who) => {
  await page.getByLabel('Email, phone').fill(`${who}@example.com`);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
};
const field = (page) => page.getByLabel('Six-digit code');

/** Types a code and waits for its answer. */
const guess = async (page, code) => {
  const answered = page.waitForResponse((r) => r.url().includes('attempt_second_factor'));
  await field(page).fill(code);
  await answered;
};

/** The places of the page that show a time to wait. */
const countdowns = (page) => page.locator('#page').innerText().then((text) => text.match(/in \d+ (seconds?|minutes?)/g) ?? []);

test('a sign-in begun again at once goes on with the code on the phone', async () => {
  const to = number(201);
  await server.userNamed('anja', reserved(to));
  const page = await visit(browser, server);
  await page.goto('/sign-in');
  await password(page, 'anja');
  await page.getByText('Code sent.').waitFor();
  await page.getByText('Enter the code we sent to the number ending in 01.').waitFor();
  await server.advance(10);
  await press(page, 'Sign in as someone else');
  await heading(page, 'Sign in');
  await password(page, 'anja');
  await page.getByText(/We sent a code at \d+:\d\d/).waitFor();
  await page.locator('button', { hasText: /New code in (1\d|20) seconds/ }).waitFor();
  await state(page, 'code-begun-again');
  assert.equal((await server.messages(to)).length, 1, 'one message');
  await field(page).fill((await server.text(to)).code);
  await heading(page, 'Security');
  await page.done();
});

test('a reload shows when the code was sent, and to which number', async () => {
  const [to, other] = [number(202), number(203)];
  await server.userNamed('bela', { phone_number: [to, other], phone_number_identification_status: ['reserved', 'reserved'], totp_secret: secret });
  const page = await visit(browser, server, { timezoneId: 'Asia/Tokyo' });
  await page.goto('/sign-in');
  await password(page, 'bela');
  await heading(page, 'Check your authenticator app');
  await page.getByRole('button', { name: /Text message to .*03/ }).click();
  await page.getByText('Code sent.').waitFor();
  await page.reload();
  await page.getByText('Enter the code we sent to the number ending in 03.').waitFor();
  await page.getByText(/We sent a code at \d+:\d\d/).waitFor();
  await state(page, 'code-reloaded');
  assert.equal((await server.messages(other)).length, 1);
  await server.advance(31);
  await page.reload();
  await page.getByRole('button', { name: 'Send a new code' }).click();
  await page.getByText('Code sent.').waitFor();
  const [first, second] = await server.messages(other);
  assert.equal(first.code, second.code, 'texts in any order work');
  await field(page).fill(first.code);
  await heading(page, 'Security');
  await page.done();
});

test('a number that was texted for another browser: what is so, and one countdown', async () => {
  const to = number(204);
  await server.userNamed('carl', reserved(to));
  const [one, two] = [await visit(browser, server), await visit(browser, server)];
  await two.clock.install();
  await one.goto('/sign-in');
  await password(one, 'carl');
  await one.getByText('Code sent.').waitFor();
  await two.goto('/sign-in');
  await password(two, 'carl');
  await two.getByText('We texted this number a moment ago for another sign-in.').waitFor();
  await two.getByText('We text a six-digit code to the number ending in 04.').waitFor();
  await two.locator('button', { hasText: /New code in \d+ seconds/ }).waitFor();
  assert.equal((await countdowns(two)).length, 1);
  assert.equal(await field(two).evaluate((e) => e.readOnly), true, 'no code works yet');
  await state(two, 'code-elsewhere');
  await server.advance(31);
  await two.clock.fastForward(31_000);
  await press(two, 'Send a new code');
  await two.getByText('Code sent.').waitFor();
  assert.equal(await field(two).evaluate((e) => e.readOnly), false);
  await field(two).fill((await server.text(to)).code);
  await heading(two, 'Security');
  await one.done();
  await two.done();
});

test('five wrong codes: sign in again, wait by one countdown, and no reload into a dead end', async () => {
  const to = number(205);
  await server.userNamed('dirk', reserved(to));
  const page = await visit(browser, server);
  await page.clock.install();
  await page.goto('/sign-in');
  await password(page, 'dirk');
  await page.getByText('Code sent.').waitFor();
  const { code } = await server.text(to);
  const wrong = ['000000', '111111', '222222', '333333', '444444', '555555'].filter((c) => c !== code);
  for (const c of wrong.slice(0, 5)) await guess(page, c);
  await page.reload();
  await heading(page, 'Sign in');
  await page.getByText('Too many wrong codes. Please sign in again.').waitFor();
  await password(page, 'dirk');
  await page.getByText('Too many tries. Please wait a little.').waitFor();
  await page.locator('button', { hasText: /New code in \d+ seconds/ }).waitFor();
  assert.equal((await countdowns(page)).length, 1);
  assert.equal(await field(page).evaluate((e) => e.readOnly), true);
  assert.equal(await page.getByRole('button', { name: 'Continue' }).getAttribute('aria-disabled'), 'true');
  await state(page, 'code-wait');
  await server.advance(31);
  await page.clock.fastForward(31_000);
  await press(page, 'Send a new code');
  await page.getByText('Code sent.').waitFor();
  await field(page).fill((await server.text(to)).code);
  await heading(page, 'Security');
  await page.done();
});

test('a code of two digits costs no request, and a used code of the app is said to be that', async () => {
  await server.userNamed('elsa', { totp_secret: secret });
  let page = await visit(browser, server);
  await page.goto('/sign-in');
  await password(page, 'elsa');
  await heading(page, 'Check your authenticator app');
  let asked = 0;
  page.on('request', (r) => { if (r.url().includes('attempt_second_factor')) asked++; });
  await field(page).fill('12');
  await page.keyboard.press('Enter');
  await page.getByText('The code has six digits.').waitFor();
  assert.match(await focused(page), /Six-digit code/);
  assert.equal(asked, 0);
  await state(page, 'code-short');
  const code = await server.totp(secret);
  await field(page).fill(code);
  await heading(page, 'Security');
  await page.done();

  page = await visit(browser, server);
  await page.goto('/sign-in');
  await password(page, 'elsa');
  await field(page).fill(code);
  await page.getByText('This code is not right, or it was used already. Wait for the next one.').waitFor();
  await page.done();
});
