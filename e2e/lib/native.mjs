// clerk-js as Expo runs it: the native bundle with the published request hooks of @clerk/expo. Only react-native
// is replaced, by the one value that the hooks read.
import Module, { createRequire } from 'node:module';
import path from 'node:path';

// React Native has a window and no channels between tabs.
globalThis.window = globalThis;
delete globalThis.BroadcastChannel;

const require = createRequire(import.meta.url);
const load = Module._load;
Module._load = (name, ...rest) => (name === 'react-native' ? { Platform: { OS: 'ios' } } : load(name, ...rest));

const expo = path.dirname(require.resolve('@clerk/expo/package.json'));
const { createClerkInstance } = require(path.join(expo, 'dist/provider/singleton/createClerkInstance.js'));
const { Clerk } = require(path.join(path.dirname(require.resolve('@clerk/clerk-js')), 'clerk.native.js')); // the bundle that a React Native bundler selects

/** An app on a phone; `kept` is the phone's secure store, which outlives the app. */
export async function startApp(api, kept = new Map()) {
  const tokenCache = { getToken: async key => kept.get(key) ?? null, saveToken: async (key, value) => { kept.set(key, value); }, clearToken: async key => { kept.delete(key); } };
  class Fresh extends Clerk {} // the hooks keep one instance per key
  const clerk = createClerkInstance(Fresh)({ publishableKey: api.publishableKey, proxyUrl: api.url, tokenCache });
  await clerk.load({ standardBrowser: false, telemetry: false });
  return clerk;
}
