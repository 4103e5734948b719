// The configurations in which an app can reach Countersign. In each, a user signs in with two factors, enrols,
// reloads and signs out.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { journey } from '../lib/browser.mjs';
import { world } from '../lib/world.mjs';
import { addPhone, alerted, fill, firstFactor, number, press, reserve, rows, secondFactors, session, shownCodes, newUser, status } from '../lib/person.mjs';

const key = (kind, host) => `pk_${kind}_${Buffer.from(`${host}$`).toString('base64').replace(/=+$/, '')}`;

/** Each configuration: the app's settings, its site, and the cookies that may hold the client token. */
const ways = {
  'development key, same site': { config: {}, cookie: false },
  'development key, app and API on different sites': { config: {}, elsewhere: true, cookie: false },
  'development key, relative proxy': { config: { proxyUrl: '/__clerk' }, cookie: false },
  'cookies only, same site': { config: { publishableKey: key('test', 'clerk.example.com') }, cookie: true },
  'production key, relative proxy': { config: { publishableKey: key('live', 'clerk.example.com'), proxyUrl: '/__clerk' }, cookie: true },
};

for (const [name, { config, elsewhere, cookie }] of Object.entries(ways)) {
  describe(name, () => {
    const w = world(config);
    journey(name, w, async ({ page, context, calls }) => {
      if (elsewhere) w.site.url = w.site.otherSite;
      const max = await newUser(w, secondFactors()), to = number();
      await firstFactor(w, page, max);
      await rows(page, 'Ways to continue').getByRole('button', { name: 'Backup code' }).click();
      await fill(page, 'Code', 'aaaaa-aaaaa');
      await press(page, 'Verify');
      await alerted(page, 'form_code_incorrect');
      await fill(page, 'Code', max.backup[0]);
      await press(page, 'Verify');
      await status(page, `Signed in as ${max.email}, active, two factors`);
      const id = await session(page);
      await addPhone(w, page, to);
      await reserve(page, to);
      await page.reload();
      await status(page, `Signed in as ${max.email}, active, two factors`);
      assert.equal(await session(page), id);
      assert.equal((await w.api.user(max.id)).phone_numbers.filter(p => p.reserved_for_second_factor).length, 2);

      const names = (await context.cookies()).map(c => c.name);
      assert.equal(calls.some(c => c.includes('/v1/dev_browser')), !cookie, 'a development browser');
      assert.equal(names.includes('__client'), cookie, `cookies ${names}`);
      await press(page, 'Sign out');
      await status(page, 'Signed out');
      await page.reload();
      await status(page, 'Signed out');
      assert.deepEqual(await w.api.sessions(max.id), []);
    });
  });
}
