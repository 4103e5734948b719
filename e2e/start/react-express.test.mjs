// docs/start/react-express.md, as it stands, in a browser.
import { followed, signInAsGrace } from '../lib/tutorial.mjs';

followed('react-express', 'Clerk\'s components sign in, and Express sees the second factor', async ({ page, guide }) => {
  await signInAsGrace(page, guide);
  await page.getByText(/The server sees user_\w+, second factor verified 0 minutes ago\./).waitFor();
  await page.getByRole('button', { name: guide.bold('Sign out') }).click();
  await page.getByLabel('Email address').waitFor();
});
