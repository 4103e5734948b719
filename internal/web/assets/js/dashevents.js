// Webhook endpoints and the event log.

import { explain } from './api.js';
import { copyable } from './copyable.js';
import { ask, drawTabs } from './dash.js';
import { lastTry, sendTest, showTries } from './deliveries.js';
import { eventLog } from './eventlog.js';
import { button, confirm, dialog, field, form, load } from './form.js';
import { badge, date, h, heading, icon, labelled, loopback, notice, number, page, say, show, t } from './page.js';
import { dayLength } from './period.js';

const at = (e, what = '') => `/v1/webhook_endpoints/${encodeURIComponent(e.id)}${what}`;
const list = h('div', { class: 'stack' });

drawTabs();
load(page, async () => {
  const endpoints = await ask('GET', '/v1/webhook_endpoints');
  show(page, [
    heading('h1', null, t('dash.events.title'), t('dash.events.text')),
    h('div', { class: 'grid' }, h('div', { class: 'stack' }, h('section', { class: 'card stack' }, h('div', { class: 'tight' }, h('h2', {}, t('dash.hooks')), h('p', { class: 'small quiet' }, t('dash.hooks.text'))), list), adding()), eventLog()),
  ], { focus: false });
  draw(endpoints.data);
});

async function refresh(said) {
  draw((await ask('GET', '/v1/webhook_endpoints')).data);
  say(said);
}

/** Shows a new signing secret. Only the answer that created it contains it, so Escape does not close the dialog. */
const showSecret = (secret) => dialog((box, close) => show(box, [
  h('h2', {}, t('dash.hooks.secret')), h('p', { class: 'quiet' }, t('dash.hooks.secret.text')), copyable(t('dash.hooks.secret'), secret),
  button(t('button.done'), { kind: 'main wide', act: () => close(), 'data-focus': true }),
], { focus: false }), { leave: () => false });

function draw(endpoints) {
  const act = (e, key, run, kind = '') => button(t(key), { kind: `short ${kind}`, 'aria-label': labelled(t(key), e.url), act: run });
  const last = (e) => {
    const line = h('div', {});
    const look = () => lastTry(e).then((drawn) => line.replaceChildren(...drawn.filter(Boolean))).catch(() => {}); // the log itself says what is wrong
    look();
    return { line, look };
  };
  const sure = async (title, e, run) => { if (await confirm({ title, text: e.url, yes: t('confirm.yes') })) await run(); };
  const row = (e) => {
    const { line, look } = last(e);
    return h('li', { class: 'row' }, icon('device'),
      h('div', { class: 'what' }, h('div', {}, h('bdi', { class: 'url', dir: 'ltr' }, e.url), e.disabled && badge(t('dash.hooks.off'), 'warn')),
        h('div', { class: 'small quiet' }, [e.description, e.events.length === 0 ? t('dash.hooks.all') : e.events.join(', '), t('dash.hooks.since', { when: date(e.created_at) })].filter(Boolean).join(' · ')), line),
      h('div', { class: 'do' },
        act(e, 'dash.hooks.tries', () => { showTries(e).then(look); }),
        !e.disabled && act(e, 'dash.hooks.test', () => sendTest(e, look)),
        act(e, e.disabled ? 'dash.hooks.enable' : 'dash.hooks.disable', async () => {
          await ask('PATCH', at(e), { disabled: !e.disabled });
          await refresh(t('dash.saved'));
        }),
        !e.disabled && act(e, 'dash.hooks.replay', async () => {
          const { count } = await ask('POST', at(e, '/replay'), { since: Date.now() - dayLength });
          say(t('dash.hooks.replayed', { count: number(count) }));
        }),
        act(e, 'dash.hooks.rotate', () => sure(t('dash.hooks.rotate.sure'), e, async () => showSecret((await ask('POST', at(e, '/rotate_secret'))).secret))),
        act(e, 'button.remove', () => sure(t('dash.hooks.remove.sure'), e, async () => {
          await ask('DELETE', at(e));
          await refresh(t('dash.done.removed'));
        }), 'plain danger')));
  };
  list.replaceChildren(endpoints.length === 0 ? h('p', { class: 'quiet' }, t('dash.hooks.none')) : h('ul', {}, endpoints.map(row)));
}

function adding() {
  const url = field({ label: t('dash.hooks.url'), hint: t(loopback ? 'dash.hooks.url.hint.dev' : 'dash.hooks.url.hint'), inputmode: 'url', autocomplete: 'off', maxlength: 500, dir: 'ltr' });
  const what = field({ label: t('dash.hooks.description'), autocomplete: 'off', maxlength: 100 });
  const events = field({ label: t('dash.hooks.events'), hint: t('dash.hooks.events.hint'), autocomplete: 'off', maxlength: 2000, dir: 'ltr' });
  const alert = h('div', {});
  const wrong = (problem) => {
    if (problem.meta?.param_name === 'url' && problem.code !== 'form_param_value_invalid') url.wrong(t(loopback ? 'dash.hooks.url.wrong.dev' : 'dash.hooks.url.wrong'));
    else if (problem.meta?.param_name === 'events') events.wrong(t('dash.hooks.events.wrong'));
    else alert.replaceChildren(notice('bad', h('p', {}, problem.meta?.param_name === 'url' ? t('dash.hooks.most') : explain(problem))));
  };
  return h('section', { class: 'card stack' }, h('h2', {}, t('dash.hooks.add')), form({
    fields: [url.element, what.element, events.element], more: alert, submit: button(t('button.add'), { kind: 'main' }), wrong,
    act: async () => {
      alert.replaceChildren();
      if (url.input.value.trim() === '') return url.wrong(t('error.form_param_nil'));
      const types = events.input.value.split(/[\s,]+/).filter(Boolean);
      const made = await ask('POST', '/v1/webhook_endpoints', { url: url.input.value.trim(), description: what.input.value.trim(), events: types });
      for (const f of [url, what, events]) f.input.value = '';
      await refresh(t('dash.hooks.added'));
      await showSecret(made.secret);
    },
  }));
}
