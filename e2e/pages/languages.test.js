// Every language on every page: no text is cut at 320 pixels, nor at twice the size of text.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before } from 'node:test';
import { fits, key, signInByTicket, startBrowser, startServer, test, visit } from './world.js';

const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const languages = ['en', 'de', 'es', 'fr', 'pt', 'ja'];
const number = (lang) => `+1415555${String(200 + languages.indexOf(lang)).padStart(4, '0')}`;

let server, browser;
before(async () => {
  server = await startServer();
  browser = await startBrowser();
  await server.backend('POST', '/v1/webhook_endpoints', { url: 'https://hooks.example.com/countersign', description: 'Audit', events: ['user.locked'] });
});
after(async () => {
  await browser?.close();
  await server?.stop();
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
    await page.getByText(texts['error.form_code_incorrect']).waitFor();
    await fits(page, `wrong-code-${lang}`);
    await server.advance(31);
    await page.locator('input.code').fill(await server.totp(secret));
    await page.getByRole('heading', { level: 1, name: texts['security.title'] }).waitFor();
    await fits(page, `security-${lang}`);
    await page.getByRole('button', { name: texts['button.remove'] }).first().click();
    await page.getByRole('dialog').waitFor();
    await fits(page, `remove-${lang}`);
    for (const [path, title] of [['/account/add-phone', 'phone.title'], ['/account/backup-codes', 'codes.title'], ['/account/nowhere', 'missing.title']]) {
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
