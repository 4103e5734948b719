// The signed-in user of an account page.

import { takeTicket, withTicket } from './address.js';
import { activeSession, bind, get, signInFirst } from './api.js';
import { leaveFor } from './page.js';
import { renew } from './reauth.js';

/** The signed-in session. Without one the browser goes to the sign-in; with a pending task it goes to the task. */
export async function account() {
  const ticket = takeTicket();
  const session = activeSession((await get('/client')).response);
  if (!session) return signInFirst(ticket);
  if (session.status === 'pending') return leaveFor(withTicket(`/tasks/setup-mfa?redirect_url=${encodeURIComponent(location.pathname)}`, ticket));
  bind(session.id);
  if (ticket) await renew(session, ticket);
  return session;
}
