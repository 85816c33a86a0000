// The reconciliation bench: J and K go through the matters, one key chooses a
// verdict, Enter confirms, and typed text is never lost on the way.
import { bind, typing } from '../shell/keys.js';
import { t } from '../shell/words.js';

function go(step) {
  const link = document.querySelector(`[data-step="${step}"]`);
  if (link) link.click();
}
if (document.querySelector('.bench')) {
  bind('j', t('reconcile.next'), () => go('next'));
  bind('k', t('reconcile.prev'), () => go('prev'));
}

const form = document.querySelector('form[data-decide]');
function reveal() {
  const chosen = form.querySelector('input[name=verdict]:checked');
  form.querySelectorAll('[data-revealed]').forEach((el) => {
    const on = chosen?.dataset.reveal === el.dataset.revealed;
    el.hidden = !on;
    if (on) el.querySelector('input,select,textarea')?.focus();
  });
  const reason = form.querySelector('textarea[name=reason]');
  if (!reason) return;
  const must = chosen && /^(edit|refuse|ask)$/.test(chosen.value);
  reason.required = must || reason.dataset.must === '1';
  if (must && chosen.value !== 'edit') reason.focus();
}
if (form) {
  const reason = form.querySelector('textarea[name=reason]');
  if (reason?.required) reason.dataset.must = '1';
  form.addEventListener('change', (e) => { if (e.target.name === 'verdict') reveal(); });
  document.addEventListener('keydown', (e) => {
    if (e.key !== 'Enter' || e.isComposing || e.keyCode === 229 || e.defaultPrevented || e.altKey || e.metaKey) return;
    if (e.target.closest?.('a,button,summary')) return;
    if (typing(e) && e.target.tagName === 'TEXTAREA' && !e.ctrlKey) return;
    if (document.querySelector('.keys-help')) return;
    e.preventDefault();
    form.requestSubmit(form.querySelector('[data-confirm]'));
  });
}

// Digits choose a filter, but 1 and 2 belong to an open case first.
for (let n = 0; n <= 9; n++) {
  if (!document.querySelector('.bench') || document.querySelector(`[data-decide] [data-key="${n}"]:not(:disabled)`)) continue;
  bind(String(n), '', () => document.querySelector(`.bench-tabs [data-key="f ${n}"]`)?.click());
}

// The open row is always in sight.
function here() { document.querySelector('.bench-list .here')?.scrollIntoView({ block: 'nearest' }); }
document.addEventListener('live', here);
here();
