// Redirect targets: the pages' own origin and the applications that the settings name.

import { afterSignIn, loopback, origins } from './page.js';

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
