// docs/start/own-login.md, as it stands, in a browser.
import { followed, textedBy } from '../lib/tutorial.mjs';

followed('own-login', 'the first login enrols, the second asks for a code', async ({ page, guide, api }) => {
  const wait = 31; // seconds; the clock begins that much too early, because an app refuses a token of the future
  await api.advance(-wait);
  const press = name => page.getByRole('button', { name: guide.bold(name) }).click();
  await press('Log in');
  await press('Text message');
  await page.getByLabel('Phone number').fill(guide.typed('+12015550145'));
  await textedBy(page, () => press('Send code'));
  await page.getByLabel('Six-digit code').fill(guide.typed('424242'));
  await page.getByLabel(guide.bold('I have saved these codes')).check();
  await press('Done');
  await page.getByRole('link', { name: guide.bold('Continue') }).click();
  await page.getByText('Second factor verified').waitFor();
  await press('Log out');
  await api.advance(wait);
  await textedBy(page, () => press('Log in'));
  await page.getByLabel('Six-digit code').fill('424242');
  await page.getByText('Second factor verified').waitFor();
});
