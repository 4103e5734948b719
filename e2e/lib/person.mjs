// What a user does and sees on the pages of the React app.
import assert from 'node:assert/strict';
import { until } from './countersign.mjs';

export const password = 'correct horse battery';

let count = 0;
/** Creates a user through the Backend API. Every test has its own. */
export async function newUser(w, fields) {
  const email = `person${++count}@example.com`;
  const user = await w.api.createUser({ email_address: [email], password, first_name: 'Max', ...fields });
  return { id: user.id, email, phone: fields?.phone_number?.[0], secret: fields?.totp_secret, backup: fields?.backup_codes };
}

/** Types a code into Clerk's boxes; the last digit submits it. Clerk empties the boxes 750 ms after a wrong code, so this waits for that. */
export async function typeCode(card, code) {
  const boxes = card.getByLabel('Enter verification code');
  await until(async () => await boxes.inputValue() === '', 'empty boxes for a code');
  await boxes.pressSequentially(code);
}

/** A new number outside the test numbers, so that its codes are in the outbox. */
export const number = () => `+1415555${String(2000 + ++count)}`;

export const open = (w, page, path) => page.goto(w.site.url + path);
export const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
export const fill = (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);

/** Waits until an element shows a text. The failure holds the text that it shows instead. */
export async function shows(locator, text) {
  const matcher = text instanceof RegExp ? text : new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  try {
    await locator.filter({ hasText: matcher }).first().waitFor();
  } catch (error) {
    throw new Error(`expected ${matcher}, and saw: ${JSON.stringify(await locator.allInnerTexts())}`, { cause: error });
  }
}
export const status = (page, text) => shows(page.getByRole('status'), text);
export const alerted = (page, text) => shows(page.getByRole('alert'), text);
export const heading = (page, text) => shows(page.getByRole('heading', { level: 1 }), text);
export const rows = (page, list) => page.getByRole('list', { name: list }).getByRole('listitem');

/** Waits until a list has exactly these rows. */
export async function listed(page, list, ...expected) {
  for (const text of expected) await shows(rows(page, list), text);
  await rows(page, list).nth(expected.length).waitFor({ state: 'detached' });
  assert.equal(await rows(page, list).count(), expected.length);
}

export async function firstFactor(w, page, { email }) {
  await open(w, page, '/sign-in');
  await fill(page, 'E-mail', email);
  await fill(page, 'Password', password);
  await press(page, 'Continue');
}

export async function signIn(w, page, who) {
  await firstFactor(w, page, who);
  await status(page, `Signed in as ${who.email}`);
}

/** The id of the page's session. */
export const session = page => page.getByRole('status').getAttribute('data-session');

/** Goes to another page of the app without a reload. */
export const visit = (page, path) => page.getByRole('navigation').getByRole('link', { name: path, exact: true }).click();

export async function addPhone(w, page, to) {
  await visit(page, '/phones/add');
  await fill(page, 'Phone number', to);
  await press(page, 'Continue');
  await shows(page.getByRole('paragraph'), `A code was sent to ${to}`);
  const code = await w.api.code(to);
  await fill(page, 'Code', code);
  await press(page, 'Verify');
  await heading(page, 'Text messages');
  await shows(rows(page, 'Available'), to);
}

export async function reserve(page, to) {
  await rows(page, 'Available').filter({ hasText: to }).getByRole('button', { name: 'Use for MFA' }).click();
  await shows(rows(page, 'In use'), to);
}

export const shownCodes = async page => {
  await rows(page, 'Backup codes').first().waitFor();
  return rows(page, 'Backup codes').allInnerTexts();
};

/** The fields of a new user with all three second factors. */
export function secondFactors() {
  const secret = Array.from({ length: 32 }, () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Math.floor(Math.random() * 32)]).join('');
  const backup = Array.from({ length: 3 }, (_, i) => `abcd${i + 2}-efgh${i + 2}`);
  return { phone_number: [number()], phone_number_identification_status: ['reserved'], totp_secret: secret, backup_codes: backup };
}
