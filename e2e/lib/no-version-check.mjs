// Loaded into `next dev` only: it asks npm for its newest version and has no switch for that. Nobody answers; everything else it might ask
// still fails the run.
const { fetch } = globalThis;
globalThis.fetch = (input, init) => {
  if (String(input?.url ?? input).endsWith('/-/package/next/dist-tags')) return Promise.reject(new TypeError('e2e: nobody is asked for versions'));
  return fetch(input, init);
};
