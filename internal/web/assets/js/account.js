// Who is signed in on an account page.

import { activeSession, get, signInFirst } from './api.js';
import { renew } from './reauth.js';
import { takeTicket } from './ticket.js';

/** The signed-in session of an account page. Without one, or with an unfinished task, the browser goes where that is mended. */
export async function account() {
  const ticket = takeTicket();
  const session = activeSession((await get('/client')).response);
  if (!session) return signInFirst(ticket);
  if (session.status === 'pending') {
    location.replace(`/tasks/setup-mfa?redirect_url=${encodeURIComponent(location.pathname)}${ticket ? `#ticket=${encodeURIComponent(ticket)}` : ''}`);
    return new Promise(() => {});
  }
  if (ticket) await renew(session, ticket);
  return session;
}
