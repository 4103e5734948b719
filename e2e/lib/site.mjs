// A web server with the built app, Clerk's two published bundles, and a relative proxy to Countersign.
import { createServer, request } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const here = fileURLToPath(new URL('..', import.meta.url));
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml' };

/** The paths of Clerk's bundles on the site. */
export const bundles = { clerkJSUrl: '/clerk/clerk-js/clerk.browser.js', clerkUIUrl: '/clerk/ui/ui.browser.js' };

const folders = {
  '/clerk/clerk-js/': path.join(here, 'node_modules/@clerk/clerk-js/dist/'),
  '/clerk/ui/': path.join(here, 'node_modules/@clerk/ui/dist/'),
  '/': path.join(here, '.build/react/'),
};

async function file(pathname) {
  const prefix = Object.keys(folders).find(p => pathname.startsWith(p));
  const name = path.join(folders[prefix], pathname.slice(prefix.length));
  if (!name.startsWith(folders[prefix])) return null;
  if (path.extname(name)) return { name, data: await readFile(name).catch(() => null) };
  const index = path.join(folders['/'], 'index.html'); // a page of the app
  return { name: index, data: await readFile(index) };
}

function forward(from, to, target) {
  const url = new URL(from.url.slice('/__clerk'.length), target);
  const onward = request(url, { method: from.method, headers: { ...from.headers, host: url.host } }, answer => {
    to.writeHead(answer.statusCode, answer.headers);
    answer.pipe(to);
  });
  onward.on('error', () => to.destroy());
  from.pipe(onward);
}

/** Serves the app with the given configuration on localhost and 127.0.0.1. */
export async function startSite(countersign, config) {
  const body = JSON.stringify({ publishableKey: countersign.publishableKey, proxyUrl: countersign.url, ...bundles, ...config });
  const server = createServer(async (from, to) => {
    const { pathname } = new URL(from.url, 'http://localhost');
    if (pathname.startsWith('/__clerk/')) return forward(from, to, countersign.url);
    if (pathname === '/config.json') return to.writeHead(200, { 'content-type': types['.json'] }).end(body);
    const found = await file(decodeURIComponent(pathname));
    if (!found?.data) return to.writeHead(404).end();
    to.writeHead(200, { 'content-type': types[path.extname(found.name)] ?? 'application/octet-stream', 'cache-control': 'no-cache' }).end(found.data);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const [url, otherSite] = ['localhost', '127.0.0.1'].map(host => `http://${host}:${port}`);
  await countersign.allow(url, otherSite);
  return {
    url,
    otherSite,
    stop: () => new Promise(resolve => { server.close(resolve); server.closeAllConnections(); }),
  };
}
