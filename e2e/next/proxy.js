import { clerkMiddleware, createRouteMatcher } from '@clerk/nextjs/server';

const needsSignIn = createRouteMatcher(['/protected(.*)']);

export default clerkMiddleware(async (auth, request) => {
  if (needsSignIn(request)) await auth.protect();
}, { authorizedParties: [process.env.APP_URL] });

export const config = { matcher: ['/((?!_next|clerk-bundles|__clerk|favicon).*)'] };
