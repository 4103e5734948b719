// What the URL of a page carries: a ticket, and where the sign-in leads. Where it may lead: to the pages' own origin
// and to the applications that the settings name.

import { afterSignIn, loopback, origins } from './page.js';

/** The URL of a page that gets a ticket, if there is one. */
export const withTicket = (url, ticket) => (ticket ? `${url}#ticket=${encodeURIComponent(ticket)}` : url);

/** Removes the ticket from the URL, so that the history does not keep it. Browsers do not send the fragment to servers. */
export function takeTicket() {
  const query = new URLSearchParams(location.search);
  const ticket = new URLSearchParams(location.hash.slice(1)).get('ticket') ?? query.get('__clerk_ticket');
  query.delete('__clerk_ticket');
  const rest = query.toString();
  if (ticket) history.replaceState(null, '', location.pathname + (rest ? `?${rest}` : ''));
  return ticket;
}

/** Whether a sign-in may lead to a URL. In development the API allows every port of this machine, and so do the pages. */
function allowed(to) {
  if (!['http:', 'https:'].includes(to.protocol)) return false;
  return to.origin === location.origin || origins.includes(to.origin) || (loopback && ['localhost', '127.0.0.1', '[::1]'].includes(to.hostname));
}

/** The URL in ?redirect_url=, if it is allowed. */
export function target(fallback = afterSignIn) {
  const asked = new URLSearchParams(location.search).get('redirect_url');
  if (asked && URL.canParse(asked, location.origin) && allowed(new URL(asked, location.origin))) return new URL(asked, location.origin).href;
  if (fallback && URL.canParse(fallback, location.origin)) {
    const to = new URL(fallback, location.origin);
    if (['http:', 'https:'].includes(to.protocol)) return to.href;
  }
  return '/account/security';
}
