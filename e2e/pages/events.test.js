// The dashboard's page about events: webhook endpoints and the event log.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before } from 'node:test';
import { closed, focused, heading, key, press, startBrowser, startServer, state, tab, test, visit } from './world.js';

let server, browser, receiver;
const received = [];
before(async () => {
  server = await startServer();
  browser = await startBrowser();
  receiver = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    received.push({ headers: request.headers, body: JSON.parse(body) });
    response.end();
    receiver.emit('webhook');
  }).listen(0, 'localhost');
  await once(receiver, 'listening');
});
after(async () => {
  await browser?.close();
  await server?.stop();
  receiver?.close();
});

async function opened() {
  const page = await visit(browser, server);
  await page.goto('/dashboard');
  await heading(page, 'Open the dashboard');
  await page.keyboard.type(key);
  await page.keyboard.press('Enter');
  await heading(page, 'Multi-factor');
  await press(page, 'Events');
  await heading(page, 'Events');
  return page;
}

const endpoints = async () => (await server.backend('GET', '/v1/webhook_endpoints')).data;

test('an endpoint with the keyboard: added, its secret shown once, tried, switched off, replayed, removed', async () => {
  const page = await opened();
  await page.getByText('None yet.').waitFor();
  await state(page, 'events-none');
  const url = `http://localhost:${receiver.address().port}/hooks`;
  await tab(page, 'Address');
  await page.keyboard.type('http://evil.example/hooks');
  await page.keyboard.press('Enter');
  await page.getByText('Webhooks cannot go to this address.').waitFor();
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
  await page.getByText('Account locked').first().waitFor();
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
