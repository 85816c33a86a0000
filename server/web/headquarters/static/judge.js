// The verdict bar by keyboard: 1 to 4 name who is at fault and propose split
// and remedy, 5 to 7 take a usual reason, Ctrl+Enter signs. R, B and 9 turn the
// digits into what the photos lack. All of it is checked again by the server.
import { bind } from '../shell/keys.js';
import { t } from '../shell/words.js';

const go = (step) => document.querySelector(`[data-step="${step}"]`)?.click();
bind('j', t('judge.next'), () => go('next'));
bind('k', t('judge.prev'), () => go('prev'));

// The digits and letters act on the form that is there now.
let act = null;
for (let n = 1; n <= 7; n++) bind(String(n), '', () => act?.digit(n));
bind('9', '', () => act?.cannot());
bind('r', '', () => act?.choose('retake'));
bind('b', '', () => act?.choose('return'));
bind('s', t('judge.split'), () => act?.split());

// judge brings a verdict form to life until signal ends it; without a form the
// keys do nothing.
export function judge(form, signal) {
  act = null;
  if (!form) return;
  const shares = form.querySelector('[data-shares]'), sum = form.querySelector('[data-sum]');
  const reason = form.elements.namedItem('reason'), remedy = form.querySelector('[data-remedy]'), way = form.querySelector('[data-way]');
  const finals = ['hq', 'store', 'customer', 'carrier'], remedies = { hq: 'remake', store: 'repair', customer: 'none', carrier: 'replace' };
  const wants = { full: 'full', close: 'close', plane: 'compare', blur: 'close', scale: 'scale', sizes: 'scale' };
  const chosen = () => form.querySelector('input[name=verdict]:checked')?.value || '';
  const lacking = () => form.classList.contains('cannot') || /^(retake|return)$/.test(chosen());
  let split = [...shares.querySelectorAll('input')].some((i) => i.value), wrote = reason.value !== '', remedied = remedy.value !== '';

  function add() {
    let total = 0;
    shares.querySelectorAll('input[name=percent]').forEach((i) => { total += Number.parseInt(i.value, 10) || 0; });
    sum.textContent = `${total}%`;
    sum.className = `pill ${total === 100 ? 'pill-ok' : 'pill-bad'}`;
    tell(total);
  }
  // What is left to do, so that nobody has to know the keys by heart.
  function tell(total) {
    const v = chosen();
    let key = 'start';
    if (finals.includes(v)) key = reason.value.trim() && (total ?? 100) === 100 ? 'ready' : 'final';
    else if (lacking()) key = v && (form.querySelector('[name=lack]:checked') || form.elements.namedItem('lacks').value.trim()) ? 'ready' : 'lacks';
    way.textContent = t(`judge.way-${key}`);
    form.classList.toggle('ready', key === 'ready');
  }
  function propose(v) {
    form.querySelectorAll('[data-reasons]').forEach((r) => { r.hidden = r.dataset.reasons !== v; });
    if (!finals.includes(v)) { tell(); return; }
    if (!split) {
      const row = shares.querySelector('.share');
      row.querySelector('[name=party]').value = t(`judge.party.${v}`);
      row.querySelector('[name=percent]').value = '100';
    }
    if (!remedied) remedy.value = remedies[v];
    if (!wrote) reason.value = '';
    add();
  }
  function choose(v) {
    const radio = form.querySelector(`input[name=verdict][value=${v}]`);
    radio.checked = true;
    radio.dispatchEvent(new Event('change', { bubbles: true }));
  }
  function lack(n) {
    const box = form.querySelectorAll('[data-lacks] input')[n];
    if (box) { box.checked = !box.checked; box.dispatchEvent(new Event('change', { bubbles: true })); }
  }
  // The photo that is wanted follows from what is lacking until somebody says otherwise.
  function want() {
    const radios = [...form.querySelectorAll('[name=wanted]')];
    if (radios.some((r) => r.dataset.own)) return;
    const first = form.querySelector('[name=lack]:checked')?.value, role = wants[first];
    radios.forEach((r) => { r.checked = r.value === role; });
  }
  function cannot() {
    form.querySelectorAll('input[name=verdict]').forEach((i) => { i.checked = false; });
    form.classList.add('cannot');
    tell();
    dispatchEvent(new Event('resize'));
  }

  shares.addEventListener('input', () => { split = true; add(); });
  reason.addEventListener('input', () => { wrote = reason.value.trim() !== ''; tell(); });
  remedy.addEventListener('change', () => { remedied = true; });
  form.addEventListener('change', (e) => {
    if (e.target.name === 'lack') { want(); tell(); }
    if (e.target.name === 'wanted') e.target.dataset.own = '1';
    if (e.target.name !== 'verdict') return;
    form.classList.remove('cannot');
    propose(chosen());
    dispatchEvent(new Event('resize'));
  });
  form.addEventListener('click', (e) => {
    const b = e.target.closest('[data-reason]');
    if (!b) return;
    reason.value = b.querySelector('span').textContent;
    wrote = false;
    tell();
  });
  form.querySelector('[data-cannot]').addEventListener('click', cannot);
  // All of the same batch, or none of them.
  document.querySelector('[data-also]')?.addEventListener('click', () => {
    const boxes = [...document.querySelectorAll('[name=also]')], all = boxes.every((b) => b.checked);
    boxes.forEach((b) => { b.checked = !all; });
  });
  form.querySelector('[data-add]').addEventListener('click', () => {
    const row = shares.querySelector('.share').cloneNode(true);
    row.querySelectorAll('input').forEach((i) => { i.value = ''; });
    shares.append(row);
    row.querySelector('input').focus();
  });
  act = {
    cannot, choose,
    digit(n) {
      if (lacking()) lack(n - 1);
      else if (n <= 4) choose(finals[n - 1]);
      else form.querySelector(`[data-reasons="${chosen()}"] [data-key="${n}"]`)?.click();
    },
    split() { shares.querySelector('input[name=percent]')?.focus(); shares.querySelector('input[name=percent]')?.select(); },
  };
  const locked = () => document.querySelector('[data-live=standing]')?.hasAttribute('data-locked');
  // Somebody else, or another tab, may have taken or closed the case meanwhile.
  document.addEventListener('live', () => {
    form.classList.toggle('locked', locked());
    form.querySelector('[data-submit-verdict]').disabled = locked();
    if (locked()) way.textContent = t('judge.locked'); else tell();
  }, { signal });
  document.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); if (!locked()) form.requestSubmit(form.querySelector('[data-submit-verdict]')); return; }
    // A single Enter in a field must not sign a verdict.
    if (e.key === 'Enter' && e.target.form === form && e.target.tagName === 'INPUT') e.preventDefault();
    // Escape out of no field takes the choice back, and with it the digits.
    if (e.key === 'Escape' && !e.target.closest?.('input, textarea, select')) {
      form.querySelectorAll('input[name=verdict]').forEach((i) => { i.checked = false; });
      form.classList.remove('cannot');
      propose('');
      dispatchEvent(new Event('resize'));
    }
  }, { signal });
  propose(chosen());
  add();
}
