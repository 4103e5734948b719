// A ticket that a page was opened with.

/** Takes a ticket out of the address, so that it stays in no history. The part behind # never reaches a server or its log. */
export function takeTicket() {
  const query = new URLSearchParams(location.search);
  const ticket = new URLSearchParams(location.hash.slice(1)).get('ticket') ?? query.get('__clerk_ticket');
  query.delete('__clerk_ticket');
  const rest = query.toString();
  if (ticket) history.replaceState(null, '', location.pathname + (rest ? `?${rest}` : ''));
  return ticket;
}
