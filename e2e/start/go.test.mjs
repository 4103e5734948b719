// docs/start/go.md, as it stands, in a browser.
import { followed, signInHosted } from '../lib/tutorial.mjs';

followed('go', 'the hosted page signs in, and the server in Go sees the second factor', async ({ page, guide }) => {
  await page.getByText('Nobody is signed in.').waitFor();
  await signInHosted(page, guide);
  await page.getByText(/The server sees user_\w+, second factor verified 0 minutes ago\./).waitFor();
});
