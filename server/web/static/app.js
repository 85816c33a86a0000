// What every page has: keys, live regions, and small courtesies of forms.
import './keys.js';
import './live.js';
import './flash.js';

// A form is sent once: a second click would only be refused as stale.
document.addEventListener('submit', (e) => {
  const form = e.target;
  if (form.dataset.sent) { e.preventDefault(); return; }
  form.dataset.sent = '1';
  setTimeout(() => { delete form.dataset.sent; }, 4000);
});
addEventListener('pageshow', () => document.querySelectorAll('form[data-sent]').forEach((f) => { delete f.dataset.sent; }));

// Typed text is not lost by a slip of the mouse. A page without any is left
// without being asked: the next one comes sooner.
const ask = (e) => e.preventDefault();
document.addEventListener('input', (e) => { if (e.target.closest('form[data-guard]')) addEventListener('beforeunload', ask); });
document.addEventListener('submit', () => removeEventListener('beforeunload', ask));

// Selects and dates with data-submit send their form at once.
document.addEventListener('change', (e) => { if (e.target.matches('[data-submit]')) e.target.form.requestSubmit(); });
document.addEventListener('click', (e) => {
  const b = e.target.closest('[data-print]');
  if (b) print();
  document.querySelectorAll('details.menu[open]').forEach((d) => { if (!d.contains(e.target)) d.open = false; });
});
