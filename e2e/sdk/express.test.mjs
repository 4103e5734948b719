// @clerk/express: the middleware of an Express server, and webhooks that it and @clerk/backend/webhooks verify.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { createClerkClient } from '@clerk/backend';
import { verifyWebhook } from '@clerk/backend/webhooks';
import { clerkMiddleware, getAuth, requireAuth } from '@clerk/express';
import { verifyWebhook as verifyInExpress } from '@clerk/express/webhooks';
import express from 'express';
import { secretKey, startCountersign, until } from '../lib/countersign.mjs';
import { startApp } from '../lib/native.mjs';
import { newUser } from '../lib/person.mjs';

const w = {}, deliveries = [];
let server, url, signingSecret;
before(async () => {
  w.api = await startCountersign();
  const { publishableKey, url: proxyUrl } = w.api;
  const clerkClient = createClerkClient({ secretKey, publishableKey, apiUrl: proxyUrl, telemetry: { disabled: true } });
  const app = express();
  app.post('/webhooks', express.raw({ type: 'application/json' }), async (request, response) => {
    const whole = new Request(`http://localhost${request.url}`, { method: 'POST', headers: request.headers, body: request.body });
    const [event, same] = await Promise.allSettled([verifyWebhook(whole, { signingSecret }), verifyInExpress(request, { signingSecret })]);
    assert.deepEqual(same.value, event.value);
    assert.equal(same.reason?.message, event.reason?.message);
    deliveries.push(event);
    response.status(event.value ? 200 : 400).end();
  });
  app.use(clerkMiddleware({ clerkClient, secretKey, publishableKey, proxyUrl }));
  app.get('/open', (request, response) => response.json({ user: getAuth(request).userId }));
  app.get('/private', requireAuth({ clerkClient, secretKey, publishableKey, proxyUrl, signInUrl: '/sign-in' }), (request, response) => response.json({ user: getAuth(request).userId }));
  app.get('/strict', (request, response) => response.status(getAuth(request).has({ reverification: 'strict' }) ? 200 : 403).end());
  server = app.listen(0, 'localhost');
  await once(server, 'listening');
  url = `http://localhost:${server.address().port}`;
});
after(async () => {
  server?.close();
  await w.api?.stop();
});

/** A user with a session on an app, and the headers of the app's requests. */
async function signedIn() {
  const max = await newUser(w);
  const app = await startApp(w.api);
  const { createdSessionId } = await app.client.signIn.create({ strategy: 'ticket', ticket: await w.api.ticket(max.id) });
  await app.setActive({ session: createdSessionId });
  return { max, app, headers: { authorization: `Bearer ${await app.session.getToken()}` } };
}

const ask = (path, headers = {}) => fetch(url + path, { headers, redirect: 'manual' });

test('getAuth and requireAuth: with a session token and without', async () => {
  const { max, headers } = await signedIn();
  assert.deepEqual(await (await ask('/open', headers)).json(), { user: max.id });
  assert.deepEqual(await (await ask('/private', headers)).json(), { user: max.id });
  assert.deepEqual(await (await ask('/open')).json(), { user: null });
  const away = await ask('/private');
  assert.deepEqual([away.status, away.headers.get('location')], [302, '/sign-in']);
  assert.deepEqual(await (await ask('/open', { authorization: 'Bearer nonsense' })).json(), { user: null });
});

test('has({ reverification }): a session whose factors are old must prove them again', async () => {
  const { app, headers } = await signedIn();
  assert.equal((await ask('/strict', headers)).status, 200);
  await w.api.age(app.session.id, 11);
  assert.equal((await ask('/strict', { authorization: `Bearer ${await app.session.getToken({ skipCache: true })}` })).status, 403);
});

test('the first visit of a browser goes through the handshake', async () => {
  const browser = { accept: 'text/html', 'sec-fetch-dest': 'document' };
  const first = await ask('/open', browser);
  assert.equal(first.status, 307);
  const there = await fetch(first.headers.get('location'), { redirect: 'manual' });
  assert.equal(there.status, 307);
  const back = await fetch(there.headers.get('location'), { headers: browser, redirect: 'manual' });
  assert.ok(back.headers.getSetCookie().some(cookie => cookie.startsWith('__clerk_db_jwt=dvb_')));
});

test('verifyWebhook: deliveries pass, and those with another secret or body do not', async () => {
  const endpoint = await w.api.backend('POST', '/v1/webhook_endpoints', { url: `${url}/webhooks`, events: ['user.locked'] });
  signingSecret = endpoint.secret;
  const max = await newUser(w);
  await w.api.backend('POST', `/v1/users/${max.id}/lock`);
  const { value: locked } = await until(() => deliveries[0], 'a delivery');
  assert.deepEqual([locked.type, locked.object, locked.data.user_id], ['user.locked', 'event', max.id]);
  signingSecret = `whsec_${Buffer.alloc(24).toString('base64')}`;
  await w.api.backend('POST', `/v1/users/${max.id}/unlock`);
  await w.api.backend('POST', `/v1/users/${max.id}/lock`);
  assert.match((await until(() => deliveries[1], 'a second delivery')).reason.message, /Unable to verify incoming webhook/);
});
