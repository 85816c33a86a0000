// Keyboard: single keys and two-key chords ("g q"). Keys typed into a field
// and keys that compose Chinese are left alone.
import { t } from './words.js';

const bound = new Map(); // keys → {run, text}
let first = '', timer = 0;

export function bind(keys, text, run) { bound.set(keys, { text, run }); }

export function typing(e) {
  const el = e.target;
  return e.isComposing || e.keyCode === 229 || el.isContentEditable ||
    /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio|button|submit|range)$/.test(el.type);
}

function byAttribute(keys) {
  const el = document.querySelector(`[data-key="${CSS.escape(keys)}"]`);
  if (!el || el.disabled || el.closest('[hidden]')) return null;
  return () => {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && !/^(checkbox|radio)$/.test(el.type)) { el.focus(); el.select?.(); return; }
    if (el.tagName === 'SUMMARY') { el.parentElement.open = !el.parentElement.open; el.parentElement.querySelector('input,select,textarea')?.focus(); return; }
    el.click();
  };
}

function find(keys) {
  const b = bound.get(keys);
  return b ? b.run : byAttribute(keys);
}

function begins(key) {
  for (const k of bound.keys()) if (k.startsWith(key + ' ')) return true;
  return document.querySelector(`[data-key^="${CSS.escape(key)} "]`) !== null;
}

document.addEventListener('keydown', (e) => {
  if (e.key === 'Escape') { closeHelp(); document.querySelectorAll('details.menu[open]').forEach((d) => { d.open = false; }); if (typing(e)) e.target.blur(); return; }
  if (typing(e) || e.ctrlKey || e.metaKey || e.altKey) return;
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
  const chord = first ? `${first} ${key}` : key;
  first = ''; clearTimeout(timer);
  const run = find(chord);
  if (run) { e.preventDefault(); run(e); return; }
  if (key.length === 1 && begins(key)) { first = key; timer = setTimeout(() => { first = ''; }, 1200); e.preventDefault(); }
});

// Lists: J and K walk over [data-row], Enter opens the first link of the row.
function rows() { return [...document.querySelectorAll('[data-list] [data-row]')].filter((r) => r.offsetParent); }
function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((r) => r.classList.contains('at'));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  all.forEach((r) => r.classList.remove('at'));
  next.classList.add('at');
  next.scrollIntoView({ block: 'nearest' });
}
bind('j', '', () => step(1));
bind('k', '', () => step(-1));
document.addEventListener('keydown', (e) => {
  if (e.key !== 'Enter' || typing(e) || e.defaultPrevented || /^(A|BUTTON|SUMMARY)$/.test(e.target.tagName)) return;
  document.querySelector('[data-list] [data-row].at a[href]')?.click();
});

// Help: built of nodes, never of HTML text.
let help = null;
function closeHelp() { help?.remove(); help = null; }
function line(keys, text) {
  const row = document.createElement('tr'), a = document.createElement('td'), b = document.createElement('td');
  keys.split(' ').forEach((k) => { const kbd = document.createElement('kbd'); kbd.textContent = k === ' ' ? 'Space' : k.toUpperCase(); a.append(kbd, ' '); });
  b.textContent = text; row.append(a, b);
  return row;
}
bind('?', t('keys.help'), () => {
  if (help) { closeHelp(); return; }
  help = document.createElement('div'); help.className = 'keys-help'; help.setAttribute('role', 'dialog'); help.setAttribute('aria-label', t('keys.title'));
  const h = document.createElement('h2'); h.textContent = t('keys.title');
  const table = document.createElement('table');
  if (rows().length) table.append(line('j k enter', t('keys.list')));
  for (const [k, b] of bound) if (b.text) table.append(line(k, b.text));
  const seen = new Set();
  document.querySelectorAll('[data-key]').forEach((el) => {
    const k = el.dataset.key;
    if (seen.has(k) || !el.offsetParent) return;
    seen.add(k);
    table.append(line(k, (el.dataset.keyText || el.getAttribute('aria-label') || el.textContent).trim().slice(0, 40)));
  });
  const close = document.createElement('button'); close.textContent = t('keys.close'); close.addEventListener('click', closeHelp);
  help.append(h, table, close); document.body.append(help); close.focus();
});
