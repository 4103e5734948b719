// The appearance: name, logo, colour, support link and texts of the pages, with a preview.

import { accent, isColour, standard } from './accent.js';
import { explain } from './api.js';
import { ask, drawTabs, saveBar } from './dash.js';
import { field, load, problemNotice } from './form.js';
import { counted, h, heading, name as deployedName, notice, number, page, say, show, svg, t } from './page.js';

const lang = document.documentElement.lang; // of the texts, such as "en"

const parts = {
  name: { label: 'dash.appearance.name', hint: 'dash.appearance.name.hint', wrong: 'dash.appearance.name.wrong', length: 80 },
  accent: { label: 'dash.appearance.accent', hint: 'dash.appearance.accent.hint', wrong: 'dash.appearance.accent.wrong', length: 7, dir: 'ltr' },
  logo: { label: 'dash.appearance.logo', hint: 'dash.appearance.logo.hint', wrong: 'dash.appearance.logo.wrong', length: 500, dir: 'ltr' },
  support: { label: 'dash.appearance.support', hint: 'dash.appearance.support.hint', wrong: 'dash.appearance.support.wrong', length: 500, dir: 'ltr' },
};
const most = 10; // texts shown at a time

drawTabs();
load(page, async () => {
  const [{ appearance, sms_name: inMessages }, catalogue] = await Promise.all([ask('GET', '/v1/instance'), ask('GET', `/texts/${lang}`)]);
  draw(appearance, inMessages, catalogue);
  if (history.state?.saved) {
    history.replaceState(null, '');
    say(t('dash.appearance.saved'));
  }
});

function draw(saved, inMessages, catalogue) {
  const wanted = { ...saved, texts: structuredClone(saved.texts ?? {}) };
  const alert = h('div', {});
  const fields = {};
  const pick = h('input', { type: 'color', class: 'pick', 'aria-label': t('dash.appearance.pick') });
  const moved = h('p', { class: 'small quiet', role: 'status' });
  const shown = preview(catalogue);

  /** The appearance for the API, without empty fields. */
  const edited = () => {
    const texts = Object.fromEntries(Object.entries(wanted.texts).filter(([, list]) => Object.keys(list).length > 0));
    return Object.fromEntries([...Object.keys(parts).filter((p) => wanted[p]).map((p) => [p, wanted[p]]), ...(Object.keys(texts).length > 0 ? [['texts', texts]] : [])]);
  };
  const messages = field({ label: t('dash.sms_name'), hint: t('dash.sms_name.text'), value: inMessages, autocomplete: 'off', maxlength: 80 });
  messages.input.addEventListener('input', () => bar.mark());
  const before = canonical(edited());
  /** What the API is asked to change. */
  const changes = () => {
    const given = messages.input.value.trim();
    return { ...(canonical(edited()) !== before && { appearance: edited() }), ...(given !== inMessages && { sms_name: given }) };
  };
  const bar = saveBar({
    dirty: () => Object.keys(changes()).length > 0,
    act: async () => {
      alert.replaceChildren();
      if (Object.keys(changes()).length > 0) await ask('PATCH', '/v1/instance', changes());
      history.replaceState({ saved: true }, '');
      location.reload();
      await new Promise(() => {});
    },
    wrong: (problem) => {
      if (problem.meta?.param_name === 'sms_name') return messages.wrong(t('dash.sms_name.wrong'));
      const [, part, one] = (problem.meta?.param_name ?? '').split('.');
      if (fields[part]) return fields[part].wrong(t(parts[part].wrong));
      const text = part === 'texts' && t(one ? 'dash.appearance.texts.wrong' : 'dash.appearance.texts.long');
      alert.replaceChildren(notice('bad', h('p', {}, text || explain(problem))));
    },
  });

  function update() {
    const colour = isColour(wanted.accent ?? '') ? wanted.accent : standard;
    pick.value = colour.toLowerCase();
    const [light, dark] = ['light', 'dark'].map((scheme) => accent(colour, scheme).accent);
    moved.textContent = !isColour(wanted.accent ?? '') || (light === colour.toLowerCase() && dark === light) ? '' : t('dash.appearance.accent.moved', { light, dark });
    moved.hidden = moved.textContent === '';
    shown.update(wanted);
    bar.mark();
  }

  for (const [part, { label, hint, length, dir }] of Object.entries(parts)) {
    const f = field({ label: t(label), hint: t(hint), value: saved[part] ?? '', autocomplete: 'off', maxlength: length, dir });
    f.input.addEventListener('input', () => {
      wanted[part] = f.input.value.trim();
      update();
    });
    fields[part] = f;
  }
  pick.addEventListener('input', () => {
    fields.accent.input.value = pick.value;
    fields.accent.input.dispatchEvent(new InputEvent('input', { bubbles: true }));
  });
  const { input } = fields.accent;
  const beside = h('div', { class: 'with-pick' });
  input.replaceWith(beside);
  beside.append(pick, input);

  show(page, [
    heading('h1', null, t('dash.appearance.title'), t('dash.appearance.text')),
    h('div', { class: 'grid' },
      h('div', { class: 'stack' },
        h('section', { class: 'card stack' }, h('h2', {}, t('dash.appearance.identity')), h('div', { class: 'fields' }, fields.name.element, messages.element, fields.accent.element, moved, fields.logo.element, fields.support.element)),
        texts(wanted, catalogue, update)),
      shown.element),
    alert, bar.element,
  ], { focus: false });
  update();
}

/** JSON with sorted keys, so that equal values have equal texts. */
const canonical = (value) => JSON.stringify(value, (_, v) => (v && typeof v === 'object' ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1))) : v));

/** A small sign-in page in both colour schemes. */
function preview(catalogue) {
  const build = (scheme) => {
    const logo = h('div', { class: 'logo' });
    const [title, text, act, help] = ['strong', 'span', 'span', 'span'].map((tag) => h(tag, {}));
    text.className = 'quiet small';
    act.className = 'button main wide';
    help.className = 'small link';
    const frame = h('div', { class: `preview scheme-${scheme}` }, logo, h('div', { class: 'card' }, title, text, h('span', { class: 'input' }), act, help));
    return { scheme, frame, logo, title, text, act, help };
  };
  const both = [build('light'), build('dark')];
  const later = h('p', { class: 'small quiet', role: 'status' });
  return {
    element: h('section', { class: 'card stack previews', 'aria-label': t('dash.appearance.preview') }, h('h2', {}, t('dash.appearance.preview')),
      both.map((b) => h('figure', { class: 'tight' }, h('figcaption', { class: 'small quiet' }, t(b.scheme === 'dark' ? 'dash.appearance.dark' : 'dash.appearance.light')), b.frame)), later),
    update(wanted) {
      const say = (key) => wanted.texts[lang]?.[key] || catalogue[key];
      later.textContent = '';
      for (const b of both) {
        const colours = accent(wanted.accent ?? '', b.scheme);
        b.frame.style.setProperty('--accent', colours.accent);
        b.frame.style.setProperty('--accent-ink', colours.accent);
        b.frame.style.setProperty('--on-accent', colours.on);
        b.logo.replaceChildren(picture(wanted.logo, () => { later.textContent = t('dash.appearance.logo.later'); }), h('span', {}, wanted.name || deployedName));
        b.title.textContent = say('signin.title');
        b.text.textContent = say('signin.text');
        b.act.textContent = say('button.continue');
        b.help.textContent = wanted.support ? say('frame.support') : '';
      }
    },
  };
}

const mark = () => svg('svg', { viewBox: '0 0 32 32', width: 32, height: 32, 'aria-hidden': 'true' },
  svg('rect', { width: 32, height: 32, rx: 9, stroke: 'none' }), svg('path', { d: 'M8.5 16.8 13 21.3 23.5 10.7', fill: 'none', 'stroke-width': 3, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }));

/** The logo. The page's Content-Security-Policy allows the saved logo's origin only; until a save the default mark is shown. */
function picture(logo, missing) {
  if (!logo) return mark();
  const origin = URL.canParse(logo, location.origin) && new URL(logo, location.origin).origin;
  if (!origin || origin !== location.origin && !document.querySelector('.top .logo img')?.src.startsWith(`${origin}/`)) {
    missing();
    return mark();
  }
  const image = h('img', { src: logo, alt: '', width: 32, height: 32 });
  image.addEventListener('error', () => image.replaceWith(mark()));
  return image;
}

/** The texts of one language: the changed ones, or those that match the search. */
function texts(wanted, own, update) {
  let catalogue = own;
  let language = lang;
  const list = h('div', { class: 'fields' });
  const count = h('p', { class: 'small quiet', role: 'status' });
  const tally = () => { count.textContent = t('dash.appearance.changed', { count: number(Object.values(wanted.texts).reduce((n, l) => n + Object.keys(l).length, 0)) }); };
  const choose = h('select', {}, [...document.querySelectorAll('.bottom a[hreflang]')].map((a) => h('option', { value: a.hreflang, lang: a.hreflang }, a.textContent)));
  choose.value = language;
  choose.addEventListener('change', async () => {
    language = choose.value;
    try {
      catalogue = await ask('GET', `/texts/${language}`);
      fill();
    } catch (problem) {
      list.replaceChildren(problemNotice(problem));
    }
  });
  const find = field({ label: t('dash.appearance.find'), type: 'search', autocomplete: 'off', maxlength: 100 });
  find.input.addEventListener('input', fill);

  function row(key) {
    const f = field({ label: catalogue[key], value: wanted.texts[language]?.[key] ?? '', placeholder: catalogue[key], autocomplete: 'off', maxlength: 600, spellcheck: 'true', lang: language });
    f.input.addEventListener('input', () => {
      const changed = (wanted.texts[language] ??= {});
      const text = f.input.value.trim();
      if (text === '' || text === catalogue[key]) delete changed[key];
      else changed[key] = text;
      tally();
      update();
    });
    return f.element;
  }

  function fill() {
    const sought = find.input.value.trim().toLocaleLowerCase();
    const changed = wanted.texts[language] ?? {};
    const keys = Object.keys(catalogue).filter((key) => (sought === '' ? key in changed : `${key} ${catalogue[key]} ${changed[key] ?? ''}`.toLocaleLowerCase().includes(sought)));
    if (sought === '') keys.push(...['signin.title', 'signin.text', 'setup.title', 'setup.text'].filter((key) => !(key in changed)));
    const more = keys.length - most;
    list.replaceChildren(...keys.slice(0, most).map(row), h('p', { class: 'small quiet', role: 'status' }, more > 0 ? counted('dash.appearance.more', more) : keys.length === 0 ? t('dash.appearance.nothing') : ''));
  }

  fill();
  tally();
  return h('section', { class: 'card stack' }, h('div', { class: 'tight' }, h('h2', {}, t('dash.appearance.texts')), h('p', { class: 'small quiet' }, t('dash.appearance.texts.text'))),
    h('div', { class: 'fields' }, field({ label: t('dash.appearance.language'), control: choose }).element, find.element), list, count);
}
