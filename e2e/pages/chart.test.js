// The charts: keyboard, table, every view, and no data.

import assert from 'node:assert/strict';
import { begin, browser, key, press, server, state, tab, test, visit } from './world.js';

begin();

/** A dashboard page with one chart. */
async function drawn(options, locale = 'en-US') {
  const page = await visit(browser, server, { locale });
  await page.goto('/dashboard');
  await page.locator('input[type=password]').fill(key);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/dashboard');
  await page.locator('.tabs').waitFor();
  const base = (await page.locator('script[type=module]:not([async])').getAttribute('src')).replace(/[a-z]+\.js$/, '');
  await page.locator('.bars').waitFor();
  await page.evaluate(async ({ at, options }) => {
    const { chart } = await import(`${at}chart.js`);
    const { h } = await import(`${at}page.js`);
    document.getElementById('page').replaceChildren(h('h1', {}, 'Charts'), h('section', { class: 'card' }, chart(options)));
  }, { at: base, options });
  await page.locator('.chart').waitFor();
  return { page, base };
}

const days = Array.from({ length: 30 }, (_, i) => `Nov ${i + 1}`);
const some = { title: 'Verifications', text: 'By method, in the last 30 days.', labels: days, series: [
  { name: 'App', values: days.map((_, i) => (i * 7) % 13) }, { name: 'Text', values: days.map((_, i) => (i * 5) % 8) }, { name: 'Backup', values: days.map((_, i) => Number(i % 9 === 0)) },
] };

test('bars: one stop for Tab, arrows from day to day, and the numbers as a table', async () => {
  const { page } = await drawn(some);
  await state(page, 'chart-bars');
  await tab(page, 'Nov 30: App 8, Text 1, Backup 0');
  assert.equal(await page.locator('.readout').innerText(), 'Nov 30: App 8, Text 1, Backup 0');
  await page.keyboard.press('ArrowLeft');
  const at = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
  assert.equal(await at(), 'Nov 29: App 1, Text 4, Backup 0');
  await page.keyboard.press('Home');
  assert.equal(await at(), 'Nov 1: App 0, Text 0, Backup 1');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await at(), 'Nov 1: App 0, Text 0, Backup 1', 'it stays at the end');
  await page.setViewportSize({ width: 420, height: 760 });
  await page.waitForFunction(() => document.querySelector('.drawing').viewBox.baseVal.width < 420);
  assert.equal(await at(), 'Nov 1: App 0, Text 0, Backup 1', 'drawn anew, the focus stays');
  assert.equal(await page.locator('.point[tabindex="0"]').count(), 1);
  await press(page, 'Show as a table');
  await page.getByRole('table').waitFor();
  assert.deepEqual(await page.locator('tbody tr').nth(1).locator('th, td').allInnerTexts(), ['Nov 2', '7', '5', '0']);
  assert.equal(await page.locator('tbody tr').count(), 30);
  await state(page, 'chart-table');
  await page.done();
});

test('bars stand on each other, and what they add up to is inside of the axis', async () => {
  const { page } = await drawn({ ...some, labels: ['a', 'b'], series: [{ name: 'x', values: [3, 1] }, { name: 'y', values: [4, 0] }] });
  await page.locator('.drawing .fill').first().waitFor();
  const boxes = await page.locator('.drawing .fill').evaluateAll((all) => all.map((r) => ['y', 'height'].map((n) => Math.round(Number(r.getAttribute(n))))));
  const [x, y, b] = boxes;
  assert.equal(boxes.length, 3, 'nothing has no bar');
  assert.ok(Math.abs(x[0] + x[1] - 180) <= 1, 'the first stands on the axis');
  assert.ok(Math.abs(y[0] + y[1] - x[0]) <= 1, 'the second begins where the first ends');
  assert.ok(Math.abs(x[1] / b[1] - 3) < 0.1, 'three is three times one');
  assert.ok(y[0] >= 0);
  await page.done();
});

test('six lines are told apart without colour, and their names do not overlap', async () => {
  const names = ['Wrong code', 'Wrong password', 'A used code was tried again', 'Message', 'Locked', 'Switched off'];
  const { page } = await drawn({ ...some, kind: 'lines', series: names.map((name, n) => ({ name, values: days.map((_, i) => (n < 3 ? 0 : (i * n) % 7)) })) });
  await page.locator('.drawing .name').first().waitFor();
  await state(page, 'chart-six-lines');
  const looks = await page.locator('.drawing .line').evaluateAll((all) => all.map((e) => getComputedStyle(e).strokeDasharray));
  assert.equal(new Set(looks).size, 6, `dashes: ${looks}`);
  const shapes = await page.locator('.drawing .point').first().locator('.dot').evaluateAll((all) => all.map((e) => e.getAttribute('d').replace(/^M\S+ [\d.]+/, '')));
  assert.equal(new Set(shapes).size, 6, `markers: ${shapes}`);
  const beside = await page.locator('.drawing .name text').evaluateAll((all) => all.map((e) => e.getBoundingClientRect()).map(({ top, bottom, right }) => ({ top, bottom, right })).sort((a, b) => a.top - b.top));
  const edge = await page.locator('.drawing').evaluate((e) => e.getBoundingClientRect().right);
  for (const [i, at] of beside.entries()) {
    assert.ok(at.right <= edge + 1, `name ${i} is cut at the right`);
    if (i > 0) assert.ok(at.top >= beside[i - 1].top + 14, `names ${i - 1} and ${i} overlap`);
  }
  assert.equal(await page.locator('.legend .sample').count(), 6);
  await page.setViewportSize({ width: 420, height: 760 });
  await page.locator('.drawing .name').first().waitFor({ state: 'detached' });
  await page.done();
});

test('lines, other languages, and nothing to show', async () => {
  let { page, base } = await drawn({ ...some, kind: 'lines', series: some.series.slice(0, 2), labels: days }, 'de');
  await page.locator('.drawing .line').first().waitFor();
  await state(page, 'chart-lines');
  await page.locator('.drawing .name').first().waitFor();
  assert.deepEqual(await page.locator('.drawing .name text').evaluateAll((all) => all.map((e) => e.textContent).sort()), ['App', 'Text']);
  const ticks = (most) => page.evaluate(async ({ at, most }) => (await import(at)).ticks(most), { at: `${base}chart.js`, most });
  for (const [most, want] of [[0, [0, 1]], [1, [0, 1]], [3, [0, 1, 2, 3]], [10, [0, 5, 10]], [97, [0, 25, 50, 75, 100]], [1300, [0, 500, 1000, 1500]], [0.3, [0, 0.1, 0.2, 0.3]], [NaN, [0, 1]]]) {
    assert.deepEqual(await ticks(most), want, `up to ${most}`);
  }
  await page.done();
  ({ page } = await drawn({ ...some, series: some.series.map((s) => ({ ...s, values: [] })) }));
  await page.locator('.drawing .point').first().waitFor();
  assert.equal(await page.locator('.drawing .fill').count(), 0);
  await page.getByText('No data in this period.').waitFor();
  await state(page, 'chart-nothing');
  await page.done();
  ({ page } = await drawn({ ...some, labels: [], series: [] }));
  await state(page, 'chart-no-days');
  await page.done();
});
