// @clerk/backend in Node, as an application's server uses it. The tests make every call that has a meaning here; the
// last one makes all others.
import { calls, compare, recorded, refusal } from '../lib/calls.mjs';
import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createClerkClient, verifyToken } from '@clerk/backend';
import { secretKey, startCountersign } from '../lib/countersign.mjs';
import { startApp } from '../lib/native.mjs';
import { number, password, newUser } from '../lib/person.mjs';

const w = {}, worked = new Set();
let clerk;
before(async () => {
  w.api = await startCountersign();
  clerk = recorded(createClerkClient({ secretKey, publishableKey: w.api.publishableKey, apiUrl: w.api.url, telemetry: { disabled: true } }), worked);
});
after(() => w.api.stop());

const refused = (promise, status, code) => assert.rejects(promise, error => {
  assert.deepEqual([error.status, error.errors?.[0]?.code], [status, code]);
  return true;
});

/** Signs a user in on the app and returns the session. */
async function session(max) {
  const app = await startApp(w.api);
  const signIn = await app.client.signIn.create({ strategy: 'ticket', ticket: (await clerk.signInTokens.createSignInToken({ userId: max.id, expiresInSeconds: 60 })).token });
  await app.setActive({ session: signIn.createdSessionId });
  return app;
}

test('users: create, read, list, count, change, delete', async () => {
  const to = number();
  const made = await clerk.users.createUser({ emailAddress: ['ann@example.com'], phoneNumber: [to], firstName: 'Ann', password, publicMetadata: { team: 'blue' } });
  assert.equal(made.emailAddresses[0].emailAddress, 'ann@example.com');
  assert.equal(made.phoneNumbers[0].phoneNumber, to);
  assert.equal(made.passwordEnabled, true);
  assert.deepEqual(made.publicMetadata, { team: 'blue' });
  assert.equal((await clerk.users.getUser(made.id)).firstName, 'Ann');
  const list = await clerk.users.getUserList({ emailAddress: ['ann@example.com'] });
  assert.deepEqual([list.totalCount, list.data.map(u => u.id)], [1, [made.id]]);
  const before = await clerk.users.getCount();
  assert.equal((await clerk.users.updateUser(made.id, { firstName: 'Anna' })).firstName, 'Anna');
  await refused(clerk.users.createUser({ emailAddress: ['ann@example.com'], password }), 422, 'form_identifier_exists');
  assert.equal((await clerk.users.deleteUser(made.id)).deleted, true);
  await refused(clerk.users.getUser(made.id), 404, 'resource_not_found');
  assert.equal(await clerk.users.getCount(), before - 1);
});

test('emailAddresses: create, read, verify, make primary, delete', async () => {
  const { id: userId } = await clerk.users.createUser({ emailAddress: ['emails@example.com'], password });
  const made = await clerk.emailAddresses.createEmailAddress({ userId, emailAddress: 'emails2@example.com' });
  assert.equal(made.verification, null);
  assert.equal((await clerk.emailAddresses.updateEmailAddress(made.id, { verified: true, primary: true })).verification.status, 'verified');
  assert.equal((await clerk.users.getUser(userId)).primaryEmailAddressId, made.id);
  assert.equal((await clerk.emailAddresses.getEmailAddress(made.id)).emailAddress, 'emails2@example.com');
  await refused(clerk.emailAddresses.createEmailAddress({ userId, emailAddress: 'emails2@example.com' }), 422, 'form_identifier_exists');
  assert.equal((await clerk.emailAddresses.deleteEmailAddress(made.id)).deleted, true);
  await refused(clerk.emailAddresses.getEmailAddress(made.id), 404, 'resource_not_found');
});

test('users: one address and one number replace all', async () => {
  const { id } = await clerk.users.createUser({ emailAddress: ['old@example.com', 'older@example.com'], phoneNumber: ['+14155550141'], password });
  const address = await clerk.users.replaceUserEmailAddress(id, { emailAddress: 'new@example.com', notifyPrimaryEmailAddressChanged: true });
  const number = await clerk.users.replaceUserPhoneNumber(id, { phoneNumber: '+14155550142' });
  assert.deepEqual([address.verification.status, number.verification.status], ['verified', 'verified']);
  const user = await clerk.users.getUser(id);
  assert.deepEqual([user.primaryEmailAddressId, user.primaryPhoneNumberId], [address.id, number.id]);
  assert.deepEqual([user.emailAddresses.length, user.phoneNumbers.length], [1, 1]);
  await refused(clerk.users.replaceUserEmailAddress(id, { emailAddress: 'x@example.com', identificationStatus: 'reserved' }), 422, 'form_param_value_invalid');
});

test('users: passwords, authenticator codes, second factors, locks and bans', async () => {
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
  const { id } = await clerk.users.createUser({ emailAddress: ['bob@example.com'], password, totpSecret: secret, backupCodes: ['abcd2-efgh2'] });
  assert.equal((await clerk.users.verifyPassword({ userId: id, password })).verified, true);
  await refused(clerk.users.verifyPassword({ userId: id, password: 'not the password' }), 422, 'form_password_incorrect');
  const code = await w.api.totp(secret);
  assert.equal((await clerk.users.verifyTOTP({ userId: id, code })).code_type, 'totp');
  await refused(clerk.users.verifyTOTP({ userId: id, code }), 422, 'form_code_incorrect');
  assert.equal((await clerk.users.verifyTOTP({ userId: id, code: 'abcd2-efgh2' })).code_type, 'backup_code');
  assert.equal((await clerk.users.lockUser(id)).locked, true);
  assert.equal((await clerk.users.unlockUser(id)).locked, false);
  assert.equal((await clerk.users.banUser(id)).banned, true);
  assert.equal((await clerk.users.unbanUser(id)).banned, false);
  await clerk.users.disableUserMFA(id);
  assert.equal((await clerk.users.getUser(id)).twoFactorEnabled, false);
  await clerk.users.updateUser(id, { totpSecret: secret, backupCodes: ['abcd2-efgh2'] });
  await clerk.users.deleteUserBackupCodes(id);
  await clerk.users.deleteUserTOTP(id);
  const left = await clerk.users.getUser(id);
  assert.deepEqual([left.backupCodeEnabled, left.totpEnabled], [false, false]);
});

test('users: metadata is merged or replaced', async () => {
  const { id } = await newUser(w, { public_metadata: { a: { b: 1, c: 2 }, d: 3 } });
  const merged = await clerk.users.updateUserMetadata(id, { publicMetadata: { a: { b: null, e: 4 } }, privateMetadata: { plan: 'pro' } });
  assert.deepEqual([merged.publicMetadata, merged.privateMetadata], [{ a: { c: 2, e: 4 }, d: 3 }, { plan: 'pro' }]);
  assert.deepEqual((await clerk.users.replaceUserMetadata(id, { publicMetadata: { f: 5 } })).publicMetadata, { f: 5 });
});

test('users: a list by a query, and filters that do not exist here', async () => {
  const { id } = await clerk.users.createUser({ emailAddress: ['quentin@example.com'], firstName: 'Quentin', password });
  const found = await clerk.users.getUserList({ query: 'quent', limit: 5, orderBy: '-created_at' });
  assert.deepEqual([found.totalCount, found.data.map(user => user.id)], [1, [id]]);
  await refused(clerk.users.getUserList({ organizationId: ['org_1'] }), 422, 'form_param_unknown');
  await refused(clerk.users.getCount({ organizationId: ['org_1'] }), 422, 'form_param_unknown');
});

test('phone numbers', async () => {
  const max = await newUser(w), to = number();
  const made = await clerk.phoneNumbers.createPhoneNumber({ userId: max.id, phoneNumber: to, verified: true, reservedForSecondFactor: true });
  assert.equal(made.reservedForSecondFactor, true);
  assert.equal((await clerk.users.getUser(max.id)).twoFactorEnabled, true);
  assert.equal((await clerk.phoneNumbers.getPhoneNumber(made.id)).phoneNumber, to);
  assert.equal((await clerk.phoneNumbers.updatePhoneNumber(made.id, { reservedForSecondFactor: false })).reservedForSecondFactor, false);
  assert.equal((await clerk.phoneNumbers.deletePhoneNumber(made.id)).deleted, true);
});

test('sign-in tokens: used once, or revoked', async () => {
  const max = await newUser(w);
  const made = await clerk.signInTokens.createSignInToken({ userId: max.id, expiresInSeconds: 60 });
  assert.equal(made.status, 'pending');
  assert.equal((await clerk.signInTokens.revokeSignInToken(made.id)).status, 'revoked');
  const app = await startApp(w.api);
  await assert.rejects(app.client.signIn.create({ strategy: 'ticket', ticket: made.token }), error => error.errors[0].code === 'sign_in_token_revoked_code');
});

test('sessions: list, read, token, revoke', async () => {
  const max = await newUser(w);
  const app = await session(max);
  const { data } = await clerk.sessions.getSessionList({ userId: max.id });
  assert.deepEqual(data.map(s => [s.id, s.status, s.userId]), [[app.session.id, 'active', max.id]]);
  assert.equal((await clerk.sessions.getSession(app.session.id)).userId, max.id);
  const { jwt } = await clerk.sessions.getToken(app.session.id);
  assert.equal((await verifyToken(jwt, { secretKey, apiUrl: w.api.url })).sid, app.session.id);
  assert.equal((await clerk.jwks.getJwks()).keys[0].alg, 'RS256');
  await clerk.sessions.revokeSession(app.session.id);
  assert.deepEqual((await clerk.sessions.getSessionList({ userId: max.id })).data, []);
  assert.equal((await clerk.sessions.createSession({ userId: max.id })).userId, max.id);
  assert.ok((await clerk.testingTokens.createTestingToken()).token);
});

test('verifyToken: networkless with a pinned key, and through JWKS', async () => {
  const max = await newUser(w);
  const app = await session(max);
  const token = await app.session.getToken();
  const { keys: [jwk] } = await (await fetch(`${w.api.url}/.well-known/jwks.json`)).json();
  const jwtKey = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  for (const options of [{ jwtKey }, { secretKey, apiUrl: w.api.url, skipJwksCache: true }]) {
    const claims = await verifyToken(token, options);
    assert.deepEqual([claims.sub, claims.sid, claims.iss, claims.sts], [max.id, app.session.id, w.api.url, 'active']);
    const [head, body, signature] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url')), sub: 'user_somebody_else' })).toString('base64url');
    await assert.rejects(verifyToken(`${head}.${forged}.${signature}`, options), { reason: 'token-invalid-signature' });
  }
  await assert.rejects(verifyToken(token, { secretKey: 'sk_test_wrong', apiUrl: w.api.url, skipJwksCache: true }));
});

const page = 'http://localhost:3000/account';
const ask = (headers, options) => clerk.authenticateRequest(new Request(page, { headers }), { proxyUrl: w.api.url, ...options });

test('authenticateRequest: header, cookie, and who is refused', async () => {
  const max = await newUser(w);
  const app = await session(max);
  const token = await app.session.getToken();
  const byHeader = await ask({ authorization: `Bearer ${token}` });
  assert.equal(byHeader.status, 'signed-in');
  const auth = byHeader.toAuth();
  assert.deepEqual([auth.userId, auth.sessionId], [max.id, app.session.id]);
  assert.equal(auth.has({ reverification: 'strict' }), true);
  await w.api.age(app.session.id, 11);
  const aged = (await ask({ authorization: `Bearer ${await app.session.getToken({ skipCache: true })}` })).toAuth();
  assert.deepEqual(aged.factorVerificationAge, [11, -1]);
  assert.equal(aged.has({ reverification: 'strict' }), false);
  assert.equal(aged.has({ reverification: 'moderate' }), true);

  const suffix = createHash('sha1').update(w.api.publishableKey).digest('base64url').slice(0, 8);
  const jar = { __session: token, __client_uat: Math.floor(Date.now() / 1000) - 5, __clerk_db_jwt: 'dvb_x' };
  const cookie = Object.entries(jar).map(([name, value]) => `${name}=${value}; ${name}_${suffix}=${value}`).join('; ');
  const byCookie = await ask({ cookie, 'sec-fetch-dest': 'document' });
  assert.equal(byCookie.status, 'signed-in', byCookie.reason);
  const elsewhere = await ask({ authorization: `Bearer ${token}` }, { authorizedParties: ['https://other.example'] });
  assert.equal(elsewhere.reason, 'token-invalid-authorized-parties'); // a native app has no origin
  assert.equal((await ask({ authorization: 'Bearer nonsense' })).status, 'signed-out');
  assert.equal((await ask({})).status, 'signed-out');
});

test('verifyToken: a token of a browser names its party, also when the Backend API makes it', async () => {
  const origin = 'http://localhost:3000';
  const max = await newUser(w);
  const { token: ticket } = await clerk.signInTokens.createSignInToken({ userId: max.id, expiresInSeconds: 60 });
  const answer = await fetch(`${w.api.url}/v1/client/sign_ins`, { method: 'POST', headers: { origin }, body: new URLSearchParams({ strategy: 'ticket', ticket }) });
  const [{ id }] = (await answer.json()).client.sessions;
  const cookie = answer.headers.getSetCookie().map(line => line.split(';')[0]).join('; ');
  const { jwt } = await (await fetch(`${w.api.url}/v1/client/sessions/${id}/tokens`, { method: 'POST', headers: { origin, cookie } })).json();
  for (const token of [jwt, (await clerk.sessions.getToken(id)).jwt]) {
    assert.equal((await verifyToken(token, { secretKey, apiUrl: w.api.url, authorizedParties: [origin] })).azp, origin);
    await assert.rejects(verifyToken(token, { secretKey, apiUrl: w.api.url, authorizedParties: ['https://other.example'] }), { reason: 'token-invalid-authorized-parties' });
  }
});

test('authenticateRequest: the first visit of a browser goes through the handshake', async () => {
  const browser = { accept: 'text/html', 'sec-fetch-dest': 'document' };
  const first = await ask(browser);
  assert.equal(first.status, 'handshake');
  const there = await fetch(first.headers.get('location'), { redirect: 'manual' });
  assert.equal(there.status, 307);
  const back = there.headers.get('location');
  assert.equal(new URL(back).origin + new URL(back).pathname, page);
  const second = await clerk.authenticateRequest(new Request(back, { headers: browser }), { proxyUrl: w.api.url });
  const cookies = second.headers.getSetCookie();
  assert.ok(cookies.some(c => c.startsWith('__clerk_db_jwt=dvb_')), String(cookies));
  const jar = cookies.map(c => c.split(';')[0]).join('; ');
  const third = await ask({ ...browser, cookie: jar });
  assert.equal(third.status, 'signed-out');
});

test('clients: the payload of a handshake, once', async () => {
  const there = new URL('/v1/client/handshake', w.api.url);
  there.search = new URLSearchParams({ redirect_url: page, format: 'nonce' });
  const back = new URL((await fetch(there, { redirect: 'manual' })).headers.get('location'));
  const nonce = back.searchParams.get('__clerk_handshake_nonce');
  const { directives } = await clerk.clients.getHandshakePayload({ nonce });
  assert.ok(directives.some(line => line.startsWith('__clerk_db_jwt=dvb_')), String(directives));
  await refused(clerk.clients.getHandshakePayload({ nonce }), 404, 'resource_not_found');
});

test('the instance: its settings', async () => {
  await clerk.instance.update({ testMode: false });
  assert.equal((await w.api.backend('GET', '/v1/instance')).test_mode, false);
  await clerk.instance.update({ testMode: true });
  assert.equal((await clerk.instance.get()).environmentType, 'development');
});

test('every other call is refused with an error of Clerk', async () => {
  const results = new Map([...worked].map(name => [name, 'works'])), wrong = [];
  for (const name of calls(clerk)) {
    if (!worked.has(name)) await refusal(clerk, name).then(result => results.set(name, result), error => wrong.push(`${name}: ${error.message}`));
  }
  assert.deepEqual(wrong, []);
  await compare(results);
});
