// Every language on every page: no text is cut at 320 pixels, nor at twice the size of text.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { begin, browser, fits, key, server, signInByTicket, test, visit } from './world.js';

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const languages = ['en', 'de', 'es', 'fr', 'pt', 'ja'];
const number = (lang) => `+1415555${String(200 + languages.indexOf(lang)).padStart(4, '0')}`;

begin({
  prepare: async () => {
    await server.backend('POST', '/v1/webhook_endpoints', { url: 'https://hooks.example.com/countersign', description: 'Audit', events: ['user.locked'] });
  },
});

const textsOf = async (lang) => JSON.parse(await readFile(new URL(`../../internal/web/appearance/texts/${lang}.json`, import.meta.url), 'utf8'));

/** Opens a path and waits for the page's own heading. */
async function opened(page, path, title) {
  await page.goto(path);
  await page.getByRole('heading', { level: 1, name: title }).waitFor();
  await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
}

for (const lang of languages) {
  test(`nothing is cut for users: ${lang}`, async () => {
    const texts = await textsOf(lang);
    const user = await server.userNamed(`user_${lang}`, { phone_number: [number(lang)], phone_number_identification_status: ['reserved'], totp_secret: secret, backup_codes: ['abcde-12345'] });
    const page = await visit(browser, server, { locale: lang });
    await opened(page, '/sign-in', texts['signin.title']);
    assert.equal(await page.locator('html').getAttribute('lang'), lang);
    await fits(page, `sign-in-${lang}`);
    await page.keyboard.press('Enter');
    await page.getByText(texts['error.form_param_nil']).first().waitFor();
    await fits(page, `sign-in-empty-${lang}`);
    await signInByTicket(page, server, user);
    await page.locator('input.code').waitFor();
    await fits(page, `second-factor-${lang}`);
    await page.locator('input.code').fill('000000');
    await page.getByText(texts['otp.app.wrong']).waitFor();
    await fits(page, `wrong-code-${lang}`);
    await server.advance(31);
    await page.locator('input.code').fill(await server.totp(secret));
    await page.getByRole('heading', { level: 1, name: texts['security.title'] }).waitFor();
    await fits(page, `security-${lang}`);
    await page.getByRole('button', { name: texts['button.remove'] }).first().click();
    await page.getByRole('dialog').waitFor();
    await fits(page, `remove-${lang}`);
    for (const [path, title] of [['/account/add-phone', 'phone.title'], ['/account/backup-codes', 'codes.title'], ['/account/password', 'password.change'], ['/account/nowhere', 'missing.title']]) {
      await opened(page, path, texts[title]);
      await fits(page, `${path.split('/').at(-1)}-${lang}`);
    }
    await page.done();
    const plain = await server.userNamed(`plain_${lang}`);
    const other = await visit(browser, server, { locale: lang });
    await signInByTicket(other, server, plain);
    await other.getByRole('heading', { level: 1, name: texts['security.title'] }).waitFor();
    await fits(other, `security-off-${lang}`);
    await opened(other, '/account/add-authenticator', texts['app.title']);
    await fits(other, `add-authenticator-${lang}`);
    await other.done();
  });

  test(`nothing is cut for operators: ${lang}`, async () => {
    const texts = await textsOf(lang);
    const user = await server.userNamed(`member_${lang}`, { totp_secret: secret });
    await server.backend('POST', `/v1/users/${user.id}/lock`);
    const page = await visit(browser, server, { locale: lang });
    await opened(page, '/dashboard/sign-in', texts['dash.signin.title']);
    await fits(page, `dashboard-sign-in-${lang}`);
    await page.getByLabel(texts['dash.key']).fill(key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: texts['dash.settings.title'] }).waitFor();
    await fits(page, `dashboard-${lang}`);
    for (const [path, title] of [['users', 'dash.users.title'], ['messages', 'dash.sms.title'], ['statistics', 'dash.statistics.title'], ['events', 'dash.events.title'], ['appearance', 'dash.appearance.title']]) {
      await opened(page, `/dashboard/${path}`, texts[title]);
      await fits(page, `dashboard-${path}-${lang}`);
    }
    await page.goto(`/dashboard/users/${user.id}`);
    await page.getByText(texts['dash.islocked']).first().waitFor();
    await fits(page, `dashboard-user-${lang}`);
    await opened(page, '/dev/phone', texts['dev.title']);
    await fits(page, `phone-${lang}`);
    await page.done();
  });
}

/** Numbers of events and times from now, as the languages write them. French has a singular for none. */
const written = {
  en: { 0: '0 more events', 1: '1 more event', 2000: '2,000 more events', 45: 'in 45 seconds', 3600: 'in 1 hour', 259200: 'in 3 days' },
  de: { 0: '0 weitere Ereignisse', 1: '1 weiteres Ereignis', 2000: '2.000 weitere Ereignisse', 45: 'in 45 Sekunden', 3600: 'in 1 Stunde', 259200: 'in 3 Tagen' },
  es: { 0: '0 eventos más', 1: '1 evento más', 20000: '20.000 eventos más', 45: 'dentro de 45 segundos', 3600: 'dentro de 1 hora', 259200: 'dentro de 3 días' },
  fr: { 0: '0 autre événement', 1: '1 autre événement', 2000: '2\u202f000 autres événements', 45: 'dans 45 secondes', 3600: 'dans 1 heure', 259200: 'dans 3 jours' },
  pt: { 0: 'Mais 0 evento', 1: 'Mais 1 evento', 2000: 'Mais 2.000 eventos', 45: 'em 45 segundos', 3600: 'em 1 hora', 259200: 'em 3 dias' },
  ja: { 0: 'ほか0件', 1: 'ほか1件', 2000: 'ほか2,000件', 45: '45 秒後', 3600: '1 時間後', 259200: '3 日後' },
};
const spans = ['45', '3600', '259200']; // seconds

test('numbers and times are written as each language writes them', async () => {
  for (const [lang, texts] of Object.entries(written)) {
    const page = await visit(browser, server, { locale: lang, bypassCSP: true });
    await page.goto('/account/nowhere');
    await page.locator('#page h1').waitFor();
    const got = await page.evaluate(async ([counts, seconds]) => {
      const { counted, later } = await import(document.querySelector('script[type=module]').src.replace(/[^/]+$/, 'page.js'));
      return Object.fromEntries([...counts.map((n) => [n, counted('security.events.more', Number(n))]), ...seconds.map((s) => [s, later(Number(s))])]);
    }, [Object.keys(texts).filter((n) => !spans.includes(n)), spans]);
    assert.deepEqual(got, texts, lang);
    await page.done();
  }
});

test('names of 40 characters and a long address fit on the pages of their user and of operators', async () => {
  const name = 'Wolfeschlegelsteinhausenbergerdorffwelch';
  assert.equal(name.length, 40);
  const user = await server.userNamed('long', { first_name: name, last_name: 'w'.repeat(40), username: 'm'.repeat(40), email_address: [`${'m'.repeat(60)}@${'w'.repeat(60)}.example`], totp_secret: secret });
  const page = await visit(browser, server);
  await signInByTicket(page, server, user);
  await page.locator('input.code').waitFor();
  await fits(page, 'long-second-factor');
  await page.locator('input.code').fill(await server.totp(secret));
  await page.getByRole('heading', { level: 1, name: 'Security' }).waitFor();
  await fits(page, 'long-security');
  await page.done();
  const operator = await visit(browser, server);
  await opened(operator, '/dashboard/sign-in', 'Open the dashboard');
  await operator.getByLabel('Secret key').fill(key);
  await operator.keyboard.press('Enter');
  await operator.getByRole('heading', { level: 1, name: 'Multi-factor' }).waitFor();
  await opened(operator, '/dashboard/users', 'Users');
  await operator.getByText(name).first().waitFor();
  await fits(operator, 'long-users');
  await operator.goto(`/dashboard/users/${user.id}`);
  await operator.getByText(name).first().waitFor();
  await fits(operator, 'long-user');
  await operator.done();
});
