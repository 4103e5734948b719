// Every call of @clerk/backend: which ones a test made with a right answer, and how all others are refused. Import it
// before @clerk/backend, which keeps the fetch of its first moment.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';

const results = new URL('../../test/clerksdk/calls/javascript.txt', import.meta.url);
const missing = 'none_2Zt1Wq'; // names no record

const requests = [];
const { fetch } = globalThis;
globalThis.fetch = (input, init) => {
  requests.push(`${init?.method ?? 'GET'} ${new URL(input?.url ?? input).pathname}`);
  return fetch(input, init);
};

/** The client, whose calls with a right answer are added to worked by name. */
export function recorded(client, worked) {
  const resource = (name, api) => new Proxy(api, {
    get: (_, method) => (typeof api[method] !== 'function' ? api[method] : async (...args) => {
      const answer = await api[method](...args);
      worked.add(`${name}.${method}`);
      return answer;
    }),
  });
  return new Proxy(client, { get: (_, name) => (resources(client).includes(name) ? resource(name, client[name]) : client[name]) });
}

const resources = client => Object.keys(client).filter(name => typeof client[name]?.requireId === 'function');

/** The names of all calls. request and requireId are inner methods. */
export function calls(client) {
  const names = [];
  for (const name of resources(client)) {
    for (let at = client[name]; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const method of Object.getOwnPropertyNames(at)) if (!['constructor', 'request', 'requireId'].includes(method)) names.push(`${name}.${method}`);
    }
  }
  return names.sort();
}

/** An argument of any call: its text and each of its parameters are an id that does not exist. */
const anything = new Proxy(() => {}, {
  get: (_, key) => (key === Symbol.toPrimitive ? () => missing : typeof key === 'symbol' || key === 'then' ? undefined : missing),
  ownKeys: () => [],
});

/** The arguments of calls that read their parameters in another way. */
const given = {
  '__experimental_accountlessApplications.createAccountlessApplication': [],
  '__experimental_accountlessApplications.completeAccountlessApplicationOnboarding': [],
  'emails.createBatch': [[{ to: anything }]],
  'users.getUserOauthAccessToken': [missing, 'google'],
};

/** Makes a call that has no meaning here and returns its error in a few words. */
export async function refusal(client, name) {
  const [resource, method] = name.split('.');
  requests.length = 0;
  let error;
  try {
    await client[resource][method](...given[name] ?? [anything, anything, anything]);
    assert.fail('it succeeds, and no test checks its answer');
  } catch (caught) {
    error = caught;
  }
  const [{ code, message } = {}] = error.errors ?? [];
  assert.ok(error.status >= 400 && error.status < 500 && code && message && error.clerkTraceId, `not Clerk's error: ${error.stack}`);
  const known = await operations();
  assert.deepEqual(requests.filter(request => known.some(operation => operation.test(request))), [], 'an operation, whose call no test makes');
  return `${error.status} ${code}`;
}

/** Patterns of the requests that have an operation. The deletion of a passkey is left out: its user needs an authenticator, which passkeys.test.mjs has. */
async function operations() {
  const page = await readFile(new URL('../../docs/use/operations.md', import.meta.url), 'utf8');
  const found = [...page.matchAll(/^\|`[a-z-]+`\|`(\S+ \S+)`\|$/gm)].map(([, request]) => new RegExp(`^${request.replace(/\{[a-z_]+\}/g, '[^/]+')}$`));
  assert.ok(found.length > 50);
  return found.filter(operation => !operation.source.includes('passkeys'));
}

/** Compares the results with test/clerksdk/calls/javascript.txt. With UPDATE=1 it writes the file. */
export async function compare(all) {
  const text = [...all].map(([name, result]) => `${name}\t${result}\n`).sort().join('');
  if (process.env.UPDATE) await writeFile(results, text);
  assert.equal(await readFile(results, 'utf8'), text, 'UPDATE=1 writes the results');
}
