// docs/start/mobile.md: its code for Expo with clerk-js as React Native runs it, and its settings against the published SDK.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startCountersign } from '../lib/countersign.mjs';
import { startApp } from '../lib/native.mjs';
import { tutorial } from '../lib/tutorial.mjs';

const page = await readFile(new URL('../../docs/start/mobile.md', import.meta.url), 'utf8');
const expo = path.dirname(createRequire(import.meta.url).resolve('@clerk/expo/package.json'));
const source = name => readFile(path.join(expo, name), 'utf8');

test('the code of the page signs the demo user in', async t => {
  const api = await startCountersign();
  t.after(api.stop);
  const guide = await tutorial('mobile');
  const dir = await mkdtemp(path.join(tmpdir(), 'mobile-'));
  t.after(() => rm(dir, { recursive: true }));
  const { file, body } = guide.files.find(f => f.body.includes('export async function signInWith'));
  await writeFile(path.join(dir, file), body);
  const { signInWith } = await import(pathToFileURL(path.join(dir, file)));
  const clerk = await startApp(api);
  const hook = { signIn: clerk.client.signIn, setActive: options => clerk.setActive(options) };
  const asked = [];
  const status = await signInWith(hook, guide.typed('grace@example.com'), guide.typed('demo-password'), strategy => {
    asked.push(strategy);
    return guide.typed('424242');
  });
  assert.deepEqual([status, asked], [guide.typed('complete'), ['phone_code']]);
  assert.equal(clerk.user.primaryEmailAddress.emailAddress, 'grace@example.com');
});

test('@clerk/expo reads each setting of the page, and starts the native SDK without the proxy URL', async () => {
  const element = /<ClerkProvider\n(.*?)\n>/s.exec(page)[1];
  const settings = [...element.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(settings, ['publishableKey', 'proxyUrl', 'tokenCache', 'telemetry', '__experimental_disableNativeClientSync']);
  const provider = await source('dist/provider/ClerkProvider.js');
  const read = /const \{ ([^}]*?), \.\.\.rest \} = props;/.exec(provider)[1].split(', ').map(name => name.split(' ')[0]);
  // telemetry goes on to @clerk/react, as the rest does.
  assert.deepEqual(settings.filter(name => !read.includes(name)), ['telemetry']);
  assert.match(provider, /nativeClientSyncEnabled = .*isNative\)\(\) && !__experimental_disableNativeClientSync/);
  assert.match(await source('dist/specs/NativeClerkModule.d.ts'), /configure\(publishableKey: string, bearerToken: string \| null\)/);
});

test('the settings of iOS and Android are the ones of docs/use/clients.md and of the README', async () => {
  const clients = await readFile(new URL('../../docs/use/clients.md', import.meta.url), 'utf8');
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  for (const language of ['swift', 'kotlin']) {
    const code = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms');
    const [, block] = code.exec(page);
    assert.ok(clients.includes(block), `docs/use/clients.md has another ${language}`);
    for (const name of ['proxyUrl', 'telemetryEnabled']) assert.match(block, new RegExp(`\\b${name}\\b`));
  }
  assert.match(readme, /Clerk\.configure\(publishableKey: key, options: \.init\(telemetryEnabled: false, proxyUrl: /);
  assert.match(readme, /ClerkConfigurationOptions\(proxyUrl = .*, telemetryEnabled = false\)/);
  // What the Expo package's own sources for both systems call.
  assert.match(await source('ios/ClerkNativeBridge.swift'), /Clerk\.configure\(publishableKey: publishableKey, options: /);
  assert.match(await source('android/src/main/java/expo/modules/clerk/ClerkExpoModule.kt'), /Clerk\.initialize\(context, pubKey, clerkConfigurationOptions\(\)\)/);
});
