// The dashboard's page about events: webhook endpoints and the event log.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { begin, closed, eventually, focused, heading, openDashboard, press, server, state, tab, test } from './world.js';

let receiver;
const received = [];
let answer = 200; // of the receiver
begin({
  prepare: async () => {
    receiver = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += part;
      received.push({ headers: request.headers, body: JSON.parse(body) });
      response.statusCode = answer;
      response.end();
      receiver.emit('webhook');
    }).listen(0, 'localhost');
    await once(receiver, 'listening');
  },
  finish: () => {
    receiver?.close();
  },
});

const opened = () => openDashboard('Events');

const endpoints = async () => (await server.backend('GET', '/v1/webhook_endpoints')).data;

test('an endpoint with the keyboard: added, its secret shown once, tried, switched off, replayed, removed', async () => {
  const page = await opened();
  await page.getByText('None yet.').waitFor();
  await state(page, 'events-none');
  const url = `http://localhost:${receiver.address().port}/hooks`;
  await tab(page, 'Address');
  await page.keyboard.type('http://evil.example/hooks');
  await page.keyboard.press('Enter');
  await page.getByText('or it is http on this computer, such as http://localhost:3000.', { exact: false }).waitFor();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(url);
  await tab(page, 'Event types');
  await page.keyboard.type('user.locked nothing.such');
  await page.keyboard.press('Enter');
  await page.getByText('One of these is not an event type.').waitFor();
  await state(page, 'events-wrong');
  assert.equal(await page.getByLabel('Address').inputValue(), url, 'nothing typed is lost');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('user.locked, webhook.test');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Signing secret' }).waitFor();
  await state(page, 'events-secret');
  for (let n = 0; n < 2; n++) await page.keyboard.press('Escape');
  assert.ok(await page.getByRole('dialog', { name: 'Signing secret' }).isVisible(), 'Escape loses the secret');
  const [made] = await endpoints();
  assert.deepEqual([made.url, made.events, made.secret], [url, ['user.locked', 'webhook.test'], undefined]);
  const secret = await page.getByRole('dialog').locator('bdi').innerText();
  assert.match(secret, /^whsec_/);
  await press(page, 'Done');
  await closed(page);
  assert.ok(!(await page.content()).includes(secret), 'the secret is shown once');

  const arrives = once(receiver, 'webhook');
  await press(page, `Send a test: ${url}`);
  await page.getByText('A test is on its way.').waitFor();
  await arrives;
  assert.equal(received.at(-1).body.type, 'webhook.test');
  const user = await server.userNamed('ida');
  const told = once(receiver, 'webhook');
  await server.backend('POST', `/v1/users/${user.id}/lock`);
  await told;
  assert.equal(received.at(-1).body.type, 'user.locked');
  await press(page, `Resend last 24 hours: ${url}`);
  await page.getByText(/Events being resent: [1-9]/).waitFor();
  await press(page, `Switch off: ${url}`);
  await page.getByText('Off', { exact: true }).waitFor();
  assert.equal((await endpoints())[0].disabled, true);
  await press(page, `Switch on: ${url}`);
  await page.getByRole('button', { name: `Switch off: ${url}` }).waitFor();
  await press(page, `New secret: ${url}`);
  await press(page, 'Yes, continue');
  await page.getByRole('dialog', { name: 'Signing secret' }).waitFor();
  assert.notEqual(await page.getByRole('dialog').locator('bdi').innerText(), secret);
  await press(page, 'Done');
  await page.reload();
  await page.locator('li.row').getByText('Account locked').first().waitFor();
  await state(page, 'events');
  await press(page, `Remove: ${url}`);
  await press(page, 'Yes, continue');
  await page.getByText('None yet.').waitFor();
  assert.deepEqual(await endpoints(), []);
  await page.done();
});

test('five endpoints, and an event log of several pages', async () => {
  for (const { id } of await endpoints()) await server.backend('DELETE', `/v1/webhook_endpoints/${id}`);
  for (let i = 0; i < 5; i++) await server.backend('POST', '/v1/webhook_endpoints', { url: `http://localhost:${receiver.address().port}/${i}`, events: ['user.banned'] });
  const user = await server.userNamed('jan');
  for (let i = 0; i < 12; i++) {
    await server.backend('POST', `/v1/users/${user.id}/lock`);
    await server.backend('POST', `/v1/users/${user.id}/unlock`);
  }
  const page = await opened();
  await page.getByLabel('Address').fill('http://localhost:9/');
  await press(page, 'Add');
  await page.getByText('There are five endpoints already.').waitFor();
  await state(page, 'events-five');
  await press(page, 'Older');
  await page.getByRole('button', { name: 'Newer' }).waitFor();
  assert.equal(await focused(page), 'Event log');
  await press(page, 'Newer');
  await page.getByRole('button', { name: 'Newer' }).waitFor({ state: 'detached' });
  await page.route('**/v1/events?*', (route) => route.abort());
  await page.reload();
  await page.getByText('No connection.').waitFor();
  await page.unroute('**/v1/events?*');
  await press(page, 'Try again');
  await page.getByRole('button', { name: 'Older' }).waitFor();
  await page.done();
});

test('deliveries: what became of a test, an answer that is an error with its next try, and one event sent again', async () => {
  for (const { id } of await endpoints()) await server.backend('DELETE', `/v1/webhook_endpoints/${id}`);
  const url = `http://localhost:${receiver.address().port}/log`;
  await server.backend('POST', '/v1/webhook_endpoints', { url, events: ['user.locked'] });
  const page = await opened();
  await press(page, `Deliveries: ${url}`);
  await page.getByText('No attempt yet.').waitFor();
  await state(page, 'deliveries-none');
  await press(page, 'Close');
  await closed(page);
  await press(page, `Send a test: ${url}`);
  await page.getByText(/The test arrived: status 200, \d+ ms\./).waitFor();
  await page.getByText(/Last attempt/).waitFor();
  answer = 503;
  await press(page, `Send a test: ${url}`);
  await page.getByText('The test failed: The server answered with status 503.').waitFor();
  answer = 204;
  const user = await server.userNamed('lars');
  // The failed test is sent again meanwhile.
  const since = received.length;
  const told = () => received.slice(since).filter((r) => r.body.type === 'user.locked');
  await server.backend('POST', `/v1/users/${user.id}/lock`);
  await eventually('the event arrives', () => told().length === 1);
  const event = told()[0].headers['webhook-id'];
  const tries = async () => (await server.backend('GET', `/v1/webhook_endpoints/${(await endpoints())[0].id}/deliveries`)).data;
  await eventually('the delivery is in the log', async () => (await tries()).some((d) => d.event_id === event));
  await press(page, `Deliveries: ${url}`);
  const rows = page.getByRole('dialog').locator('li.row');
  await rows.first().waitFor();
  const [newest, failed] = [await rows.nth(0).innerText(), await rows.nth(1).innerText()];
  assert.match(newest, /Account locked[^]*Delivered[^]*204[^]*user\.locked[^]*attempt 1/);
  assert.match(failed, /Test[^]*Failed[^]*503[^]*answered with status 503[^]*next attempt/);
  await state(page, 'deliveries');
  await press(page, /^Send again: Account locked/);
  await page.getByText('The event is on its way again.').waitFor();
  await eventually('the event arrives again', () => told().length === 2);
  assert.equal(told()[1].headers['webhook-id'], event, 'the same event, with the same id');
  await page.waitForFunction((before) => document.querySelectorAll('dialog li.row').length > before, await rows.count());
  await page.keyboard.press('Escape');
  await closed(page);
  assert.match(await focused(page), /Deliveries/);
  await page.done();
});

test('the event log is filtered by type, user and day; names are shown; the address keeps the filters; the file has what the list has', async () => {
  const anna = await server.userNamed('annabel', { last_name: 'A;=cmd("x");B' });
  const other = await server.userNamed('annegret');
  for (const { id } of [anna, other]) {
    await server.backend('POST', `/v1/users/${id}/lock`);
    await server.backend('POST', `/v1/users/${id}/unlock`);
  }
  const gone = await server.userNamed('gone');
  await server.backend('DELETE', `/v1/users/${gone.id}`);
  const page = await opened();
  const log = page.getByRole('region').or(page.locator('section')).filter({ has: page.getByRole('heading', { name: 'Event log' }) });
  const rows = log.locator('li.row');
  await log.getByText('deleted user').first().waitFor();
  await log.getByRole('link', { name: 'Annegret' }).first().waitFor();
  await page.getByLabel('Type', { exact: true }).selectOption('user.locked');
  await page.waitForURL('**type=user.locked');
  await page.waitForFunction(() => [...document.querySelectorAll('li.row')].filter((e) => /Signed|unlocked|Lock ended/.test(e.innerText)).length === 0);
  await page.getByLabel('User', { exact: true }).fill('ann');
  await page.keyboard.press('Enter');
  await page.getByText('Several users match. Choose one:').waitFor();
  await state(page, 'events-choose-user');
  await press(page, /^Annabel/);
  await page.waitForURL(`**user=${anna.id}*`);
  await page.waitForFunction(() => document.querySelectorAll('section:has(.filters) li.row').length === 1);
  assert.match(await rows.first().innerText(), /Account locked[^]*Annabel/);
  await state(page, 'events-filtered');
  await page.reload();
  await rows.first().waitFor();
  assert.equal(await rows.count(), 1, 'a reload keeps the filters');
  const file = page.waitForEvent('download');
  await press(page, 'Export as CSV');
  const saved = await file;
  assert.match(saved.suggestedFilename(), /^events-\d{4}-\d\d-\d\d\.csv$/);
  const lines = (await readFile(await saved.path(), 'utf8')).replace(/^\ufeff/, '').split('\r\n');
  assert.equal(lines.length, 3, 'a head, one event, and the last line end');
  assert.match(lines[1], new RegExp(`^\\d{4}-.*Z,user\\.locked,backend,${anna.id},"Annabel A;'=cmd\\(""x""\\);B"`), 'no cell of a spreadsheet is a formula');
  const tomorrow = new Date(Date.now() + 2 * 86400000).toISOString().slice(0, 10);
  await page.getByLabel('From').fill(tomorrow);
  await page.getByText('No matching event.').waitFor();
  await page.getByLabel('To', { exact: true }).fill('2020-01-01');
  await page.getByText('This is before the first day.').waitFor();
  await state(page, 'events-wrong-period');
  await press(page, 'Clear filters');
  await log.getByText('deleted user').first().waitFor();
  assert.equal(new URL(page.url()).search, '');
  await page.getByLabel('User', { exact: true }).fill('nobody at all');
  await page.keyboard.press('Enter');
  await page.getByText('No user found.').waitFor();
  await page.done();
});
