// Every state of every page is checked: the list of states against the sources, and the states that no other test visits.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { readdirSync, readFileSync } from 'node:fs';
import { begin, browser, closed, heading, key, press, server, signInByTicket, state, test, visit } from './world.js';
import { routeOf, states } from './states.js';

const modules = new URL('../../internal/web/assets/js/', import.meta.url);

/** The text inside of the bracket at an index. */
function inside(source, open) {
  let depth = 0;
  for (let i = open; i < source.length; i++) {
    if ('([{'.includes(source[i])) depth++;
    if (')]}'.includes(source[i]) && --depth === 0) return source.slice(open + 1, i);
  }
  throw new Error(`no end of ${source.slice(open, open + 80)}`);
}

/** What makes a view: a heading, a dialog's title, and a notice that something is wrong. */
const views = /\bheading\((?:'h\d'|level), [^,]+, (?=\w+\()|\bh\('h[1-3]', \{\}, (?=\w+\()|\btitle(?: =|:) (?=\w+\()|\bnotice\('(?:bad|warn)', h\('p', \{\}, (?=\w+\()/g;

/** Titles that are none of a view: of the file with backup codes, and of the waiting page of a user. */
const noView = ['codes.file.title', 'dash.user.title'];

/** The keys of the texts that begin a view, with the modules that show them. */
function viewKeys() {
  const texts = JSON.parse(readFileSync(new URL('../../internal/web/appearance/texts/en.json', import.meta.url), 'utf8'));
  const found = new Map(Object.keys(texts).filter((k) => /\.(title|sure)$/.test(k)).filter((k) => !noView.includes(k)).map((k) => [k, 'the texts']));
  for (const file of readdirSync(modules)) {
    const source = readFileSync(new URL(file, modules), 'utf8');
    for (const { index, 0: { length } } of source.matchAll(views)) {
      const call = /^(?:t|rich|counted)\(/.exec(source.slice(index + length))?.[0];
      if (!call) continue;
      const [first] = inside(source, index + length + call.length - 1).split(', {');
      for (const [, text] of first.matchAll(/'([a-z0-9_.]+)'/g)) if (text in texts && !noView.includes(text)) found.set(text, file);
    }
  }
  return found;
}

/** The paths of the pages, as the server lists them. */
const sitemap = async () => {
  const source = await readFile(new URL('../../internal/web/page.go', import.meta.url), 'utf8');
  const constants = Object.fromEntries([...(source + await readFile(new URL('../../internal/web/handler.go', import.meta.url), 'utf8')).matchAll(/^const (\w+) = "(\/[^"]+)"/gm)].map(([, name, at]) => [name, at]));
  return [...source.matchAll(/^\t\{("\/[^"]+"|\w+), "\w+\.js"/gm)].map(([, at]) => (at.startsWith('"') ? at.slice(1, -1) : constants[at]));
};

test('each page, heading, dialog and warning of the sources is in a state of the list', async () => {
  const listed = new Set(Object.values(states).flatMap((of) => Object.values(of).flat()));
  const missing = [...viewKeys()].filter(([text]) => !listed.has(text)).map(([text, file]) => `${text} of ${file}`);
  assert.deepEqual(missing, [], 'add a state that shows it to states.js, and visit it in a test');
  const pages = await sitemap();
  assert.ok(pages.length > 12 && pages.every(Boolean), `${pages}`);
  for (const at of pages) assert.ok(at in states, `${at} has no state`);
});

test('each state of the list is visited by a test', async () => {
  const here = new URL('./', import.meta.url);
  const files = (await readdir(here)).filter((name) => name.endsWith('.test.js'));
  const sources = (await Promise.all(files.map((name) => readFile(new URL(name, here), 'utf8')))).join('\n');
  const names = Object.values(states).flatMap(Object.keys);
  assert.equal(new Set(names).size, names.length, 'one name for each state');
  const visited = (name) => sources.includes(`'${name}'`) || sources.includes(`\`${name.replace('<language>', '${lang}')}\``) || name in ways;
  assert.deepEqual(names.filter((name) => !visited(name)), []);
  const unknown = [...sources.matchAll(/\bstate\(\w+, '([^']+)'\)/g)].map(([, name]) => name).filter((name) => !names.includes(name));
  assert.deepEqual(unknown, [], 'states that states.js does not list');
  assert.equal(routeOf('/dashboard/users/user_x'), '/dashboard/users/{id}');
});

begin();

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
let users = 0;
const named = (page, name) => page.getByRole('button', { name, exact: typeof name === 'string' });
const dialog = (page, name) => page.getByRole('dialog', { name }).waitFor();

/** A new user. */
const user = (more = {}) => server.userNamed(`u${++users}`, more);

async function password(page, of) {
  await page.goto('/sign-in');
  await page.getByLabel('Email, phone').fill(of.email_addresses[0].email_address);
  await page.getByLabel('Password', { exact: true }).fill('correct horse');
  await page.keyboard.press('Enter');
}

/** A page of a new user who is signed in. */
async function signedIn(page, more = {}, at = '/account/security') {
  const of = await user(more);
  await signInByTicket(page, server, of, at);
  if (more.totp_secret) await page.getByLabel('Six-digit code').fill(await server.totp(secret));
  await page.waitForURL(`**${at}`);
  await page.locator('main h1:not(.waiting > h1)').waitFor();
  return of;
}

async function dashboard(page, at) {
  await page.goto('/dashboard/sign-in');
  await heading(page, 'Open the dashboard');
  await page.getByLabel('Secret key').fill(key);
  await page.keyboard.press('Enter');
  await heading(page, 'Multi-factor');
  if (at) await page.goto(at);
}

const guess = async (page, times) => {
  const field = page.getByLabel('Six-digit code');
  for (let n = 0; n < times; n++) {
    const answered = page.waitForResponse((r) => /attempt/.test(r.url()));
    await field.fill(`00000${n}`);
    await answered;
    await page.waitForFunction(() => !document.querySelector('form [aria-busy]'));
  }
};

const endpoint = () => server.backend('POST', '/v1/webhook_endpoints', { url: `http://localhost:9/${++users}` });
const both = { totp_secret: secret, phone_number: ['+14155550141'], phone_number_identification_status: ['reserved'] };

/** The ways to states that no other test visits. Each ends where the state is shown. */
const ways = {
  'sign-in-ticket-waiting': async (page) => {
    await page.route('**/v1/client/sign_ins', () => {});
    await signInByTicket(page, server, await user());
    await heading(page, 'Signing you in');
  },
  'sign-in-no-way': async (page) => {
    const of = await user({ totp_secret: secret });
    await server.settings({ authenticator_app: false });
    await password(page, of);
    await heading(page, 'No way to continue');
    await server.settings({ authenticator_app: true });
  },
  'sign-in-banned': async (page) => {
    const of = await user();
    await server.backend('POST', `/v1/users/${of.id}/ban`);
    await password(page, of);
    await heading(page, 'This account is closed');
  },
  'sign-in-paused': async (page) => {
    const of = await user();
    await server.backend('POST', `/v1/users/${of.id}/lock`);
    await password(page, of);
    await heading(page, 'Sign-in to your account is paused');
  },
  'sign-in-backup-code-only': async (page) => {
    await password(page, await user({ totp_secret: secret, backup_codes: ['abcde-12345'] }));
    await named(page, 'Backup code').click();
    await heading(page, 'Use a backup code');
  },
  'add-authenticator-again': async (page) => {
    await signedIn(page, {}, '/account/add-authenticator');
    await named(page, 'I have added the key').click();
    await guess(page, 6);
    await page.getByText('The setup expired').waitFor();
  },
  'add-authenticator-done': async (page) => {
    await signedIn(page, {}, '/account/add-authenticator');
    const shown = (await page.locator('.copyable bdi').textContent()).replaceAll(' ', '');
    await named(page, 'I have added the key').click();
    await page.getByLabel('Six-digit code').fill(await server.totp(shown));
    await page.getByLabel('I have saved these codes').check();
    await named(page, 'Done').click();
    await heading(page, 'Your authenticator app is ready');
  },
  'security-confirm-stop': async (page) => {
    await signedIn(page, both);
    await named(page, /^Turn off: number/).click();
    await dialog(page, 'Stop using this number to sign in?');
  },
  'security-confirm-app': async (page) => {
    await signedIn(page, { ...both, phone_number: ['+14155550142'] });
    await named(page, 'Remove: Authenticator app').click();
    await dialog(page, 'Remove the authenticator app?');
  },
  'security-confirm-last': async (page) => {
    await signedIn(page, { totp_secret: secret });
    await named(page, 'Remove: Authenticator app').click();
    await dialog(page, 'Turn off two-step sign-in?');
  },
  'security-confirm-sessions': async (page) => {
    const of = await signedIn(page);
    for (let n = 0; n < 2; n++) {
      const other = await visit(browser, server);
      await signInByTicket(other, server, of);
      await heading(other, 'Security');
      await other.done();
    }
    await page.reload();
    await named(page, 'Sign out all others').click();
    await dialog(page, 'Sign out all other devices?');
  },
  'security-confirm-not-me': async (page) => {
    const of = await signedIn(page);
    const other = await visit(browser, server);
    await signInByTicket(other, server, of);
    await heading(other, 'Security');
    await other.done();
    await page.reload();
    await named(page, /^This wasn’t me/).first().click();
    await dialog(page, 'Secure your account?');
  },
  'security-not-loaded': async (page) => {
    await page.route('**/v1/me/sessions**', (route) => route.abort());
    await signInByTicket(page, server, await user());
    await page.getByText('No connection.').waitFor();
  },
  'reverify-expired': async (page) => {
    const of = await signedIn(page, { totp_secret: secret });
    await server.age((await server.sessions(of.id))[0].id, 11);
    await named(page, 'Remove: Authenticator app').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click();
    await page.getByRole('heading', { name: 'Confirm that it is you' }).waitFor();
    await guess(page, 6);
    await page.getByText('Too many wrong codes').waitFor();
  },
  'dashboard-ban': async (page) => {
    await dashboard(page, `/dashboard/users/${(await user()).id}`);
    await named(page, 'Ban').click();
    await dialog(page, /^Ban /);
  },
  'dashboard-no-methods': async (page) => {
    await dashboard(page);
    await page.getByLabel(/^Authenticator application/).uncheck();
    await page.getByLabel(/^SMS verification code/).uncheck();
    await page.getByText('Text messages and apps are both off, so users cannot set up a second factor.').waitFor();
    await page.evaluate(() => { document.querySelector('.save button').focus(); });
  },
  'dashboard-not-loaded': async (page) => {
    await dashboard(page);
    await page.route('**/dashboard/api/v1/**', (route) => route.abort());
    await page.goto('/dashboard/users/user_x');
    await page.getByText('No connection.').waitFor();
  },
  'statistics-wrong-period': async (page) => {
    await dashboard(page, '/dashboard/statistics?from=2024-01-01&to=2026-01-01');
    await page.getByText('At most 90 days.').waitFor();
  },
  'events-confirm-secret': async (page) => {
    await endpoint();
    await dashboard(page, '/dashboard/events');
    await named(page, /^New secret/).first().click();
    await dialog(page, 'Create a new signing secret?');
  },
  'events-confirm-remove': async (page) => {
    await endpoint();
    await dashboard(page, '/dashboard/events');
    await named(page, /^Remove/).first().click();
    await dialog(page, 'Remove this endpoint?');
  },
};

for (const [name, way] of Object.entries(ways)) {
  test(`state ${name}`, async () => {
    const page = await visit(browser, server);
    page.on('dialog', (d) => d.accept());
    await way(page);
    await state(page, name);
    page.allowErrors();
    await page.done();
  });
}
