// Live refresh: the server pokes, the page fetches itself and swaps the
// regions that carry data-live. A region that holds the focus is left alone.
// XMLHttpRequest parses the answer as a document, so no HTML text is ever
// handed to the page.
let waiting = 0, last = 0;

function swap(doc) {
  document.querySelectorAll('[data-live]').forEach((old) => {
    const now = doc.querySelector(`[data-live="${CSS.escape(old.dataset.live)}"]`);
    if (!now || old.contains(document.activeElement) && document.activeElement !== document.body && /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
    const at = old.querySelector('[data-row].at')?.dataset.row;
    const fresh = document.importNode(now, true);
    if (old.isEqualNode(fresh)) return;
    old.replaceWith(fresh);
    if (at) fresh.querySelector(`[data-row="${CSS.escape(at)}"]`)?.classList.add('at');
  });
  document.dispatchEvent(new CustomEvent('live'));
}

export function refresh() {
  const x = new XMLHttpRequest(), at = location.href;
  x.open('GET', at);
  x.responseType = 'document';
  // A page that went on meanwhile is another one.
  x.onload = () => { if (x.status === 200 && x.response && location.href === at) swap(x.response); };
  x.send();
}

function poke() {
  if (waiting) return;
  waiting = setTimeout(() => { waiting = 0; last = Date.now(); refresh(); }, Math.max(150, 1000 - (Date.now() - last)));
}

if (document.querySelector('[data-live]') && document.body.dataset.csrf) {
  const banner = document.querySelector('.offline');
  let source = null, lost = 0;
  const open = () => {
    source = new EventSource('/events');
    source.addEventListener('poke', poke);
    source.onopen = () => { clearTimeout(lost); lost = 0; if (!banner.hidden) { banner.hidden = true; poke(); } };
    source.onerror = () => { if (!lost) lost = setTimeout(() => { banner.hidden = false; }, 8000); };
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) { source?.close(); source = null; return; }
    if (!source) { open(); poke(); }
  });
  addEventListener('pagehide', () => { source?.close(); source = null; });
  open();
}
