// Step-up for users who sign in with tickets and have no factor here. The application's page authenticates
// the user and returns with another ticket.

import { get, post } from './api.js';
import { tell } from './form.js';
import { say, t } from './page.js';

/** The URL of the application's page, with the return URL; undefined without one. */
export async function reauthAddress() {
  const { reauth_url: url } = await get('/environment');
  if (!url) return undefined;
  const to = new URL(url);
  to.searchParams.set('redirect_url', location.origin + location.pathname + location.search);
  return to.href;
}

/** Verifies the first factor of the session again, with the ticket in the fragment. */
export async function renew(session, ticket) {
  const at = `/client/sessions/${encodeURIComponent(session.id)}/verify`;
  try {
    await post(at, { level: 'first_factor' });
    await post(`${at}/attempt_first_factor`, { strategy: 'ticket', ticket });
    say(t('reauth.done'));
  } catch (problem) {
    await tell(problem);
  }
}
