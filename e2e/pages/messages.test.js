// The dashboard's page about text messages: limits, prices and the message log.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { begin, browser, eventually, focused, heading, openDashboard, press, server, signInByTicket, state, tab, test, visit } from './world.js';

begin();

const opened = () => openDashboard('Text messages');

const settings = () => server.backend('GET', '/v1/instance');
const to = (n) => `+1212201${String(n).padStart(4, '0')}`;

/** A user with a number requests a code, and uses it or not. */
async function asks(name, n, use) {
  const user = await server.userNamed(name, { phone_number: [to(n)], phone_number_identification_status: ['reserved'] });
  const page = await visit(browser, server);
  await signInByTicket(page, server, user);
  await page.getByText('Code sent.').waitFor();
  if (use) {
    await page.keyboard.type((await server.text(to(n))).code);
    await heading(page, 'Security');
  }
  await page.done();
  return user;
}

test('nothing yet, then every message: sent, verified, failed, refused, and never a code or a whole number', async () => {
  let page = await opened();
  await page.getByText('Nothing yet.').waitFor();
  await state(page, 'messages-nothing');
  await page.done();
  await server.settings({ test_mode: false });
  await asks('nils', 1000, true);
  const user = await asks('nora', 1001, false);
  const { code } = await server.text(to(1001));
  await server.faults({ sms: true });
  const fails = await visit(browser, server);
  await signInByTicket(fails, server, await server.userNamed('noel', { phone_number: [to(1002)], phone_number_identification_status: ['reserved'] }));
  await fails.getByText('The message could not be sent.').waitFor();
  await fails.done();
  await server.faults({});
  await server.backend('PATCH', '/v1/instance', { sms_country_caps: { US: 0.01 } });
  const refused = await visit(browser, server);
  await signInByTicket(refused, server, await server.userNamed('nick', { phone_number: [to(1003)], phone_number_identification_status: ['reserved'] }));
  await refused.getByText('Text messages are paused for now.').waitFor();
  await state(refused, 'sign-in-messages-paused');
  await refused.done();
  await server.backend('PATCH', '/v1/instance', { sms_country_caps: {} });
  page = await opened();
  await page.getByRole('row').filter({ hasText: 'Failed' }).waitFor();
  const rows = await page.locator('table').last().locator('tbody tr').allInnerTexts();
  assert.equal(rows.length, 4);
  for (const [i, said] of [/Refused[^]*Daily limit of the country reached[^]*\$0\.00\s*$/, /Failed[^]*\$0\.02\s+counts toward the limits/, /Sent[^]*\$0\.02/, /Verified[^]*\$0\.02/].entries()) assert.match(rows[i], said);
  const all = await page.content();
  for (const n of [1000, 1001, 1002, 1003]) assert.ok(!all.includes(to(n).slice(1)), 'no whole number');
  assert.ok(!all.includes(code), 'no code');
  await page.getByText(/\$0\.06 of \$20\.00/).waitFor();
  await state(page, 'messages');
  await press(page, /^\+1/);
  await page.waitForURL('**/dashboard/users/user_*');
  await page.done();
  await eventually('the refused message is counted', async () => (await server.backend('GET', '/v1/statistics')).text_messages[0]?.refused.at(-1) === 1);
  const stats = await opened();
  await press(stats, 'Statistics');
  await stats.getByText('Last 30 days. Cost: $0.06. Messages: 3. Refused: 1.').waitFor();
  await state(stats, 'statistics-messages');
  await stats.done();
  assert.ok(user.id);
});

test('money with the keyboard: a cap, a price, a country, saved together; what is no amount is said', async () => {
  const page = await opened();
  await tab(page, 'Daily limit (US$)');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('12,5');
  await tab(page, 'Log suspected abuse without blocking it');
  await page.keyboard.press('Space');
  await tab(page, 'Price: Canada');
  await page.keyboard.type('0.03');
  await tab(page, 'Daily limit (US$): United States');
  await page.keyboard.type('five');
  await page.getByText('There are unsaved changes.').waitFor();
  await press(page, 'Save');
  await page.getByText('Enter an amount in dollars').waitFor();
  assert.equal(await page.getByLabel('Daily limit (US$): United States').inputValue(), 'five', 'nothing typed is lost');
  assert.equal(await page.evaluate(() => document.activeElement.value), 'five', 'the focus is where it is to be mended');
  await state(page, 'messages-wrong');
  assert.equal((await settings()).sms_daily_cap_usd, 20, 'nothing is saved yet');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('5');
  await press(page, 'Save');
  await page.getByText('Saved.').waitFor();
  const now = await settings();
  assert.deepEqual([now.sms_daily_cap_usd, now.sms_record_only, now.sms_prices, now.sms_country_caps], [12.5, true, { CA: 0.03 }, { US: 5 }]);
  await page.reload();
  await heading(page, 'Text messages');
  assert.equal(await page.getByLabel('Price: Canada').inputValue(), '0.03');
  await page.getByLabel('Price: Canada').fill('0');
  await press(page, 'Save');
  await page.getByText('Enter an amount in dollars').waitFor();
  await page.getByLabel('Price: Canada').fill('');
  await page.getByLabel('Daily limit (US$): United States').fill('');
  await press(page, 'Save');
  await page.getByText('Saved.').waitFor();
  const after = await settings();
  assert.deepEqual([after.sms_prices, after.sms_country_caps], [{}, {}]);
  await server.backend('PATCH', '/v1/instance', { sms_record_only: false, sms_daily_cap_usd: 20 });
  await page.done();
});

test('many messages, a page at a time', async () => {
  await server.settings({ test_mode: true, ip_limits: false });
  for (let i = 0; i < 24; i++) {
    const user = await server.userNamed(`many${i}`, { phone_number: [`+1301555${String(100 + i).padStart(4, '0')}`], phone_number_identification_status: ['reserved'] });
    const begun = await fetch(`${server.url}/v1/client/sign_ins?_is_native=1`, { method: 'POST', body: new URLSearchParams({ strategy: 'ticket', ticket: await server.ticket(user.id) }) });
    const { id } = (await begun.json()).response;
    const sent = await fetch(`${server.url}/v1/client/sign_ins/${id}/prepare_second_factor?_is_native=1`, { method: 'POST', headers: { Authorization: begun.headers.get('Authorization') }, body: new URLSearchParams({ strategy: 'phone_code' }) });
    assert.equal(sent.status, 200);
    await server.advance(1);
  }
  const page = await opened();
  await page.getByRole('row').filter({ hasText: 'Test' }).first().waitFor();
  const rows = () => page.locator('table').last().locator('tbody tr').count();
  assert.equal(await rows(), 20);
  await press(page, 'Older');
  await page.getByRole('button', { name: 'Newer' }).waitFor();
  assert.equal(await focused(page), 'Messages');
  assert.ok(await rows() >= 4 && await rows() < 20);
  await press(page, 'Newer');
  await page.getByRole('button', { name: 'Older' }).waitFor();
  assert.equal(await rows(), 20);
  const file = page.waitForEvent('download');
  await press(page, 'Export as CSV');
  const lines = (await readFile(await (await file).path(), 'utf8')).trim().split('\r\n');
  const logged = (await server.backend('GET', '/v1/sms_messages?limit=500')).data.length;
  assert.equal(lines.length, logged + 1, 'every message of all pages');
  assert.match(lines[0], /created_at,phone_number,country,/);
  assert.match(lines[1], /Z,'\+1\*+\d\d,US,sign-in-second-factor,sent,/);
  await page.getByText(`${logged} rows exported.`).waitFor();
  await page.getByLabel('From').fill('2020-01-01');
  await page.getByLabel('To', { exact: true }).fill('2020-01-02');
  await page.getByText('Nothing yet.').waitFor();
  await page.getByLabel('To', { exact: true }).fill('');
  await page.getByRole('button', { name: 'Older' }).waitFor();
  await page.goto('/dashboard/messages');
  await page.route('**/v1/sms_messages?*', (route) => route.abort());
  await page.reload();
  await page.getByText('No connection.').waitFor();
  await page.unroute('**/v1/sms_messages?*');
  await press(page, 'Try again');
  await page.getByRole('button', { name: 'Older' }).waitFor();
  await page.done();
});

test('a message that the network lost says why, in six languages', async () => {
  const said = { en: ['Not delivered', 'spending limit is reached'], de: ['Nicht zugestellt', 'Limit beim Anbieter'], es: ['No entregado', 'gasto del proveedor'], fr: ['Non remis', 'dépenses du fournisseur'], pt: ['Não entregue', 'gasto do provedor'], ja: ['未配達', '利用上限'] };
  for (const [language, [status, reason]] of Object.entries(said)) {
    const page = await opened();
    await page.route('**/v1/sms_messages?*', async (route) => {
      const answer = await route.fetch();
      const list = await answer.json();
      Object.assign(list.data[0], { status: 'undelivered', undelivered_reason: 'spending_limit', verified_at: null });
      await route.fulfill({ response: answer, json: list });
    });
    await page.goto(`/dashboard/messages?lang=${language}`);
    const row = page.locator('table').last().locator('tbody tr').first();
    await row.getByText(status).waitFor();
    assert.match(await row.innerText(), new RegExp(reason));
    if (language === 'en') await state(page, 'messages-undelivered');
    await page.done();
  }
});
