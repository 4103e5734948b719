// Redirect targets: the pages' own origin and the applications that the settings name.

import { afterSignIn, origins } from './page.js';

/** The URL in ?redirect_url=, if it is allowed. */
export function target(fallback = afterSignIn) {
  const asked = new URLSearchParams(location.search).get('redirect_url');
  for (const candidate of [asked, fallback]) {
    if (!candidate || !URL.canParse(candidate, location.origin)) continue;
    const to = new URL(candidate, location.origin);
    if (['http:', 'https:'].includes(to.protocol) && (candidate === fallback || to.origin === location.origin || origins.includes(to.origin))) return to.href;
  }
  return '/account/security';
}
