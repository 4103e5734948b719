// Step-up for people who have nothing to prove here, because they come with tickets: the team's own page proves who they are, and sends them back with another ticket.

import { get, post } from './api.js';
import { tell } from './form.js';
import { say, t } from './page.js';

/** Where the team's page is, with the way back to this one; undefined when there is none. */
export async function reauthAddress() {
  const { reauth_url: url } = await get('/environment');
  if (!url) return undefined;
  const to = new URL(url);
  to.searchParams.set('redirect_url', location.origin + location.pathname + location.search);
  return to.href;
}

/** Proves the first factor of the session again, with the ticket that the page came back with. */
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
