// A server, a site and a browser for the tests of one file.
import { after, before } from 'node:test';
import { startBrowser } from './browser.mjs';
import { startCountersign } from './countersign.mjs';
import { startSite } from './site.mjs';

export function world(config) {
  const w = {};
  const stops = [];
  before(async () => {
    w.api = await startCountersign();
    stops.push(w.api.stop);
    w.site = await startSite(w.api, config);
    stops.push(w.site.stop);
    w.browser = await startBrowser();
    stops.push(() => w.browser.close());
  });
  after(async () => {
    const ends = await Promise.allSettled(stops.reverse().map(stop => stop()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  });
  return w;
}
