// docs/start/nextjs.md, as it stands, in a browser.
import { followed, signInAsGrace } from '../lib/tutorial.mjs';

followed('nextjs', 'Clerk\'s middleware leads to the sign-in, and the page sees the second factor', async ({ page, guide }) => {
  await signInAsGrace(page, guide);
  await page.getByText(/The server sees user_\w+, second factor verified 0 minutes ago\./).waitFor();
  await page.getByRole('button', { name: guide.bold('Sign out') }).click();
  await page.getByLabel('Email address').waitFor();
});
