// The ticket in the URL of a page.

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
