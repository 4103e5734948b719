// The appearance: changed in the dashboard, visible without a restart.

import assert from 'node:assert/strict';
import { begin, browser, focused, heading, openDashboard, press, server, state, tab, test, visit } from './world.js';

begin();

const opened = () => openDashboard('Appearance');

const saved = async () => (await server.backend('GET', '/v1/instance')).appearance;

test('name, colour, help link and texts with the keyboard: seen in the preview, saved together, shown to visitors', async () => {
  const page = await opened();
  await state(page, 'appearance');
  await tab(page, 'Name');
  await page.keyboard.type('Harbour');
  await page.getByText('There are unsaved changes.').waitFor();
  await tab(page, 'Color');
  await page.keyboard.type('#ffd400');
  await page.getByText('For readable texts it becomes').waitFor();
  await tab(page, 'Help link');
  await page.keyboard.type('https://help.example.com/');
  await tab(page, 'Find a text');
  await page.keyboard.type('welcome. please');
  await tab(page, 'Welcome. Please sign in');
  await page.keyboard.type('Good to see you.');
  await page.getByText('Texts changed: 1').waitFor();
  const previews = page.locator('.preview');
  for (const at of [0, 1]) {
    await previews.nth(at).getByText('Harbour').waitFor();
    await previews.nth(at).getByText('Good to see you.').waitFor();
  }
  await state(page, 'appearance-unsaved');
  assert.deepEqual(await saved(), {}, 'nothing is saved yet');
  await press(page, 'Save');
  await page.getByText('Saved. Visitors see it within half a minute.').waitFor();
  assert.deepEqual(await saved(), { name: 'Harbour', accent: '#ffd400', support: 'https://help.example.com/', texts: { en: { 'signin.text': 'Good to see you.' } } });
  assert.equal(await page.title(), 'Appearance · Harbour', 'who changed it sees it at once');
  await state(page, 'appearance-saved');

  const visitor = await visit(browser, server);
  await visitor.goto('/sign-in');
  await heading(visitor, 'Sign in');
  assert.equal(await visitor.title(), 'Sign in · Harbour');
  await visitor.getByText('Good to see you.').waitFor();
  assert.equal(await visitor.getByRole('link', { name: 'Get help' }).first().getAttribute('href'), 'https://help.example.com/');
  await state(visitor, 'appearance-visitor');
  const display = await visitor.evaluate(async () => (await (await fetch('/v1/environment')).json()).display_config);
  assert.equal(display.application_name, 'Harbour');
  assert.equal(display.theme.general.color, '#ffd400');
  await visitor.done();

  for (const label of ['Name', 'Color', 'Help link', 'Welcome. Please sign in']) {
    await tab(page, label);
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.press('Delete');
  }
  await press(page, 'Save');
  await page.waitForFunction(() => document.title === 'Appearance · Example');
  assert.deepEqual(await saved(), {}, 'what is empty goes back to what was deployed');
  await page.done();
});

test('what cannot be is said where it was typed, and nothing typed is lost', async () => {
  const page = await opened();
  for (const [label, text, said] of [
    ['Name', 'Bank: safe', 'At most 40 characters in one line'], ['Color', 'red', 'Enter # and six characters'], ['Logo', 'http://cdn.example.com/l.svg', 'neither an https address nor a path'],
    ['Help link', 'javascript:alert(1)', 'neither an https address nor a mailto link'],
  ]) {
    const at = page.getByLabel(label, { exact: true });
    await at.fill(text);
    await press(page, 'Save');
    await page.getByText(said).waitFor();
    assert.equal(await at.inputValue(), text);
    assert.match(await focused(page), new RegExp(label));
    if (label === 'Color') await state(page, 'appearance-wrong');
    await at.fill('');
  }
  await page.getByLabel('Find a text').fill('step {at} of');
  await page.getByLabel('Step {at} of {of}').fill('Step {at} of {all}');
  await press(page, 'Save');
  await page.getByText('This text cannot be used').waitFor();
  await state(page, 'appearance-wrong-text');
  await page.getByLabel('Language of the texts').selectOption('de');
  await page.getByLabel('Find a text').fill('schritt {at} von');
  await page.getByLabel('Schritt {at} von {of}').waitFor();
  await page.getByLabel('Find a text').fill('nobody says this');
  await page.getByText('No text found.').waitFor();
  assert.deepEqual(await saved(), {});
  await page.done();
});

test('a logo: its origin joins the policy when it is saved, and no other does', async () => {
  const page = await opened();
  const policy = async () => (await page.context().request.get('/sign-in')).headers()['content-security-policy'];
  assert.match(await policy(), /img-src 'self';/);
  await page.getByLabel('Logo', { exact: true }).fill('https://cdn.example.com/mark.svg');
  await page.getByText('A picture of another site is shown after saving.').waitFor();
  await page.context().route('https://cdn.example.com/**', (route) => route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="#0f766e"/></svg>' }));
  await press(page, 'Save');
  await page.getByText('Saved. Visitors see it within half a minute.').waitFor();
  assert.match(await policy(), /img-src 'self' https:\/\/cdn\.example\.com;/);
  await page.locator('.preview img').first().waitFor();
  assert.ok(await page.locator('.top .logo img').evaluate((i) => i.complete && i.naturalWidth > 0), 'the picture is drawn');
  await state(page, 'appearance-logo');
  await page.getByLabel('Logo', { exact: true }).fill('');
  await press(page, 'Save');
  await page.locator('.top .logo svg').waitFor();
  assert.match(await policy(), /img-src 'self';/);
  await page.done();
});

test('the preview has the colours that the pages get', async () => {
  const page = await opened();
  for (const colour of ['#ffd400', '#000000', '#ffffff', '#3457d5', '#ff0000', '#808080', '#00ff00', '#1b1464']) {
    await server.backend('PATCH', '/v1/instance', { appearance: { accent: colour } });
    await server.advance(6);
    const html = await (await page.context().request.get('/sign-in')).text();
    const served = [...html.matchAll(/--accent:(#\w{6});--on-accent:(#\w{6});--accent-ink:(#\w{6})/g)].map(([, accent, on]) => ({ accent, on }));
    await page.getByLabel('Color', { exact: true }).fill(colour);
    const shown = await page.locator('.preview').evaluateAll((all) => all.map((e) => ({ accent: e.style.getPropertyValue('--accent'), on: e.style.getPropertyValue('--on-accent') })));
    assert.deepEqual(shown, served, colour);
  }
  await server.backend('PATCH', '/v1/instance', { appearance: {} });
  await page.done();
});

test('a name of its own in text messages', async () => {
  await server.backend('PATCH', '/v1/instance', { appearance: { name: 'Müller’s Bank' } });
  const page = await opened();
  const name = page.getByLabel('Name in text messages');
  await name.fill('a@b');
  await press(page, 'Save');
  await page.getByText('At most 40 characters in one line, with a letter or digit, without @ and #.').waitFor();
  assert.match(await focused(page), /Name in text messages/);
  await name.fill('MBank');
  await page.getByText('There are unsaved changes.').waitFor();
  await press(page, 'Save');
  await page.getByText('Saved. Visitors see it within half a minute.').waitFor();
  await server.advance(6);
  const settings = await server.backend('GET', '/v1/instance');
  assert.deepEqual([settings.sms_name, settings.appearance], ['MBank', { name: 'Müller’s Bank' }]);
  const user = await server.userNamed('otto', { phone_number: ['+12015550190'], phone_number_identification_status: ['reserved'] });
  const text = async () => {
    await server.backend('POST', `/v1/phone_numbers/${user.phone_numbers[0].id}/prepare_verification`);
    return (await server.text('+12015550190')).text;
  };
  assert.match(await text(), / is your MBank code\./);
  await page.getByLabel('Name in text messages').fill('');
  await page.getByText('There are unsaved changes.').waitFor(); // no longer that the first change is saved
  await press(page, 'Save');
  await page.getByText('Saved. Visitors see it within half a minute.').waitFor();
  await server.advance(31);
  assert.match(await text(), / is your Müller's Bank code\./);
  await server.backend('PATCH', '/v1/instance', { appearance: {} });
  await page.done();
});
