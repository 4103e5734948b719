// @clerk/testing, with which an application tests itself in a browser.
import assert from 'node:assert/strict';
import { clerk, clerkSetup } from '@clerk/testing/playwright';
import { journey } from '../lib/browser.mjs';
import { secretKey } from '../lib/countersign.mjs';
import { newUser, open, password, status } from '../lib/person.mjs';
import { world } from '../lib/world.mjs';

const w = world();

journey('clerkSetup gets a testing token, and clerk.signIn and signOut work on a page', w, async ({ page }) => {
  delete process.env.CLERK_TESTING_TOKEN;
  await clerkSetup({ publishableKey: w.api.publishableKey, secretKey, apiUrl: w.api.url, dotenv: false });
  assert.ok(process.env.CLERK_TESTING_TOKEN);
  const max = await newUser(w);
  for (const signInParams of [{ strategy: 'password', identifier: max.email, password }, { strategy: 'ticket', ticket: await w.api.ticket(max.id) }]) {
    await open(w, page, '/');
    await clerk.signIn({ page, signInParams });
    await status(page, `Signed in as ${max.email}, active`);
    await clerk.signOut({ page });
    await status(page, 'Signed out');
  }
});
