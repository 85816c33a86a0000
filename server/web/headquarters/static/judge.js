// The verdict bar: one key chooses, the shares add up while they are typed,
// Ctrl+Enter submits. What is typed here is checked again by the server.
import { bind } from '../shell/keys.js';
import { t } from '../shell/words.js';

const go = (step) => document.querySelector(`[data-step="${step}"]`)?.click();
bind('j', t('judge.next'), () => go('next'));
bind('k', t('judge.prev'), () => go('prev'));

const form = document.querySelector('[data-judge]');
if (form) start();

function start() {
  const shares = form.querySelector('[data-shares]'), sum = form.querySelector('[data-sum]');
  const chosen = () => form.querySelector('input[name=verdict]:checked')?.value || '';
  let touched = [...shares.querySelectorAll('input')].some((i) => i.value);

  function add() {
    let total = 0;
    shares.querySelectorAll('input[name=percent]').forEach((i) => { total += Number.parseInt(i.value, 10) || 0; });
    sum.textContent = `${total}%`;
    sum.className = `pill ${total === 100 ? 'pill-ok' : 'pill-bad'}`;
  }
  function prefill(v) {
    if (touched || !/^(hq|store|customer|carrier)$/.test(v)) return;
    const row = shares.querySelector('.share');
    row.querySelector('[name=party]').value = t(`judge.party.${v}`);
    row.querySelector('[name=percent]').value = '100';
    add();
  }
  shares.addEventListener('input', () => { touched = true; add(); });
  form.addEventListener('change', (e) => {
    if (e.target.name !== 'verdict') return;
    form.classList.remove('cannot');
    prefill(chosen());
    dispatchEvent(new Event('resize'));
  });
  form.querySelector('[data-cannot]').addEventListener('click', () => {
    form.querySelectorAll('input[name=verdict]').forEach((i) => { i.checked = false; });
    form.classList.add('cannot');
    form.querySelector('[name=lack]').focus();
  });
  form.querySelector('[data-add]').addEventListener('click', () => {
    const row = shares.querySelector('.share').cloneNode(true);
    row.querySelectorAll('input').forEach((i) => { i.value = ''; });
    shares.append(row);
    row.querySelector('input').focus();
  });
  bind('s', t('judge.split'), () => shares.querySelector('input[name=percent]')?.focus());
  document.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); form.requestSubmit(form.querySelector('[data-submit-verdict]')); return; }
    // A single Enter in a field must not sign a verdict.
    if (e.key === 'Enter' && e.target.form === form && e.target.tagName === 'INPUT') e.preventDefault();
  });
  add();
}
