import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

export default {
  distDir: process.env.NEXT_DIST ?? '.next',
  devIndicators: false,
  experimental: { agentUpgrade: false }, // otherwise development contacts npm
  turbopack: { root },
  outputFileTracingRoot: root,
  // A relative proxy keeps the API on the app's own origin.
  rewrites: async () => [{ source: '/__clerk/:path*', destination: `${process.env.CLERK_API_URL}/:path*` }],
};
