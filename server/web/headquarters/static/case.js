// The case page. A verdict, and a step to a neighbour, bring the next case into
// this same page: its styles and scripts are there already, and so are the small
// pictures of the case that comes next. Without a script, or where anything is
// out of the ordinary, the browser goes there by itself.
import { carry } from '../shell/flash.js';
import { refresh } from '../shell/live.js';
import { t } from '../shell/words.js';
import { judge } from './judge.js';
import { stage } from './stage.js';

let stop = null, ahead = [], typed = false;

function start() {
  typed = false;
  stop?.abort();
  stop = new AbortController();
  judge(document.querySelector('[data-judge]'), stop.signal); // writes into the page; the stage measures it, which is done once
  const root = document.querySelector('[data-stage]');
  if (root) stage(root, stop.signal);
  setTimeout(look, 150);
}

// The previews of the next case are fetched and decoded while this one is
// looked at. They are named by their bytes and may be kept.
function look() {
  ahead = [...document.querySelectorAll('[data-ahead]')].map((el) => {
    const img = new Image();
    img.src = el.dataset.ahead;
    img.decode().catch(() => {}); // then it is fetched where it is shown
    return img;
  });
}

// The answer is parsed as a document, so that no HTML text is ever handed to
// the page.
function fetchCase(method, address, body, failed) {
  const x = new XMLHttpRequest();
  x.open(method, address);
  if (method === 'POST') x.setRequestHeader('X-Follow', '1'); // the next page comes with the answer
  x.responseType = 'document';
  x.onload = () => {
    const from = new URL(x.getResponseHeader('Content-Location') ?? x.responseURL, location.href).href;
    if (x.response?.querySelector('[data-stage]')) {
      if (method === 'GET') leave(x.response.querySelector('[data-leave]')?.dataset.leave); // a verdict has set it free
      show(x.response, x.status === 200 ? from : '');
    }
    else { carry(x.response); location.assign(x.status < 400 ? from : location.href); }
  };
  x.onerror = failed;
  x.send(body);
}

// Who leaves a case sets it free for others, unless it is shown again.
function leave(but) {
  const at = document.querySelector('[data-leave]')?.dataset.leave;
  if (at && at !== but) fetch(at, { method: 'POST', keepalive: true, body: new URLSearchParams({ csrf: document.body.dataset.csrf }) }).catch(() => {}); // else it runs out
}
addEventListener('pagehide', () => leave(''));

// A page that was refused keeps the address of its case.
function show(doc, address) {
  if (address && address !== location.href) history.pushState({}, '', address);
  document.title = doc.title;
  const main = document.importNode(doc.querySelector('main'), true);
  main.querySelectorAll('[data-view] img').forEach((img) => { img.decoding = 'sync'; }); // small, and decoded while the case before was looked at
  document.querySelector('main').replaceWith(main);
  start();
}

document.addEventListener('submit', (e) => {
  const form = e.target;
  if (e.defaultPrevented || !form.matches('[data-judge]')) return;
  e.preventDefault();
  fetchCase('POST', form.action, new URLSearchParams(new FormData(form)), () => {
    delete form.dataset.sent; // nothing is lost: it can be signed again
    form.querySelector('[data-way]').textContent = t('judge.lost');
  });
});

// Where something is typed, the browser asks before it leaves the page.
document.addEventListener('input', (e) => { if (e.target.closest('form[data-guard]')) typed = true; });
document.addEventListener('click', (e) => {
  const a = e.target.closest('a[data-step]');
  if (!a || typed || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  e.preventDefault();
  fetchCase('GET', a.href, null, () => location.assign(a.href));
});
addEventListener('popstate', () => location.reload());

// While the page is looked at, it stays this person's case, and shows who else
// took or closed it.
setInterval(() => { if (!document.hidden) refresh(); }, 30000);

start();
