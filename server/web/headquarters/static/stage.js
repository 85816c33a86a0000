// The photo stage: two panes that zoom and pan together. A place is kept as a
// fraction of the picture, so that a full view and its close-up, of whatever
// size, show the same relative place.
const stage = document.querySelector('[data-stage]');
if (stage) start(stage);

function start(root) {
  const panes = [...root.querySelectorAll('[data-pane]')].map((el) => ({ el, name: el.dataset.pane, z: 1, x: .5, y: .5, one: false }));
  const sync = root.querySelector('[data-sync]');
  let single = '';

  const shot = (p) => p.el.querySelector('figure:not([hidden])');
  const image = (p) => shot(p)?.querySelector('img');

  function scale(p) {
    const img = image(p), box = img?.parentElement;
    if (!img?.naturalWidth || !box.clientWidth) return 0;
    const fit = Math.min(box.clientWidth / img.naturalWidth, box.clientHeight / img.naturalHeight);
    p.fit = fit;
    return p.one ? 1 / devicePixelRatio : fit * p.z;
  }

  function draw(p) {
    const s = scale(p);
    if (!s) return;
    const img = image(p), box = img.parentElement, w = img.naturalWidth * s, h = img.naturalHeight * s;
    const place = (c, size, room) => size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, room / 2 - c * size));
    const left = place(p.x, w, box.clientWidth), top = place(p.y, h, box.clientHeight);
    if (w > box.clientWidth) p.x = (box.clientWidth / 2 - left) / w;
    if (h > box.clientHeight) p.y = (box.clientHeight / 2 - top) / h;
    img.style.transform = `translate(${left}px, ${top}px) scale(${s})`;
    box.classList.add('ready');
  }

  function others(p) { return sync.checked ? panes : [p]; }
  function all() { panes.forEach(draw); }

  function zoom(p, factor, px, py) {
    const s = scale(p);
    if (!s) return;
    const img = image(p), box = img.parentElement;
    // The point under the finger stays where it is.
    const r = box.getBoundingClientRect(), dx = (px ?? r.left + r.width / 2) - r.left - r.width / 2, dy = (py ?? r.top + r.height / 2) - r.top - r.height / 2;
    const z = Math.min(16, Math.max(1, s / p.fit * factor)), next = p.fit * z;
    const x = p.x + dx / (img.naturalWidth * s) - dx / (img.naturalWidth * next), y = p.y + dy / (img.naturalHeight * s) - dy / (img.naturalHeight * next);
    others(p).forEach((q) => { q.one = false; q.z = z; q.x = Math.min(1, Math.max(0, x)); q.y = Math.min(1, Math.max(0, y)); draw(q); });
  }

  function pan(p, dx, dy) {
    const s = scale(p);
    if (!s) return;
    const img = image(p), x = p.x - dx / (img.naturalWidth * s), y = p.y - dy / (img.naturalHeight * s);
    others(p).forEach((q) => { q.x = Math.min(1, Math.max(0, x)); q.y = Math.min(1, Math.max(0, y)); draw(q); });
  }

  panes.forEach((p) => {
    const fingers = new Map();
    p.el.addEventListener('wheel', (e) => { if (!e.target.closest('[data-view]')) return; e.preventDefault(); zoom(p, Math.exp(-e.deltaY * (e.deltaMode ? .05 : .0016)), e.clientX, e.clientY); }, { passive: false });
    p.el.addEventListener('pointerdown', (e) => { if (!e.target.closest('[data-view]') || e.button) return; p.el.setPointerCapture(e.pointerId); fingers.set(e.pointerId, e); });
    p.el.addEventListener('pointermove', (e) => {
      const was = fingers.get(e.pointerId);
      if (!was) return;
      if (fingers.size === 2) {
        const [a, b] = [...fingers.keys()].map((k) => fingers.get(k)), far = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        fingers.set(e.pointerId, e);
        const [c, d] = [...fingers.values()], now = Math.hypot(c.clientX - d.clientX, c.clientY - d.clientY);
        if (far > 0) zoom(p, now / far, (c.clientX + d.clientX) / 2, (c.clientY + d.clientY) / 2);
        return;
      }
      pan(p, e.clientX - was.clientX, e.clientY - was.clientY);
      fingers.set(e.pointerId, e);
    });
    const up = (e) => fingers.delete(e.pointerId);
    p.el.addEventListener('pointerup', up);
    p.el.addEventListener('pointercancel', up);
    p.el.addEventListener('dblclick', (e) => { if (e.target.closest('[data-view]')) actual(p, e); });
    p.el.querySelectorAll('img').forEach((img) => { img.addEventListener('load', () => draw(p)); });
  });

  function actual(p, e) {
    const on = !p.one;
    if (on && e) { const s = scale(p), img = image(p), r = img.getBoundingClientRect(); p.x = (e.clientX - r.left) / (img.naturalWidth * s); p.y = (e.clientY - r.top) / (img.naturalHeight * s); }
    panes.forEach((q) => { q.one = on; q.z = 1; if (on) { q.x = p.x; q.y = p.y; } draw(q); });
    root.querySelector('[data-one]').setAttribute('aria-pressed', on);
  }

  function show(p, no) {
    p.el.querySelectorAll('figure').forEach((f) => { f.hidden = f.dataset.shot !== String(no); });
    mark();
    draw(p);
  }
  function mark() {
    const on = panes.map((p) => shot(p)?.dataset.shot);
    root.querySelectorAll('[data-pick]').forEach((b) => b.classList.toggle('on', on.includes(b.dataset.pick)));
  }
  function turn(by) {
    const p = single === 'full' ? panes[0] : panes[1], n = p.el.querySelectorAll('figure').length;
    if (n < 2) return;
    show(p, (Number(shot(p)?.dataset.shot || 1) - 1 + by + n) % n + 1);
  }

  root.addEventListener('click', (e) => {
    const b = e.target.closest('button');
    if (!b) return;
    if (b.dataset.single) {
      single = single === b.dataset.single ? '' : b.dataset.single;
      root.querySelector('[data-panes]').dataset.only = single;
      root.querySelectorAll('[data-single]').forEach((x) => x.setAttribute('aria-pressed', x.dataset.single === single));
      all();
    } else if ('one' in b.dataset) actual(panes[0]);
    else if ('fit' in b.dataset) { panes.forEach((p) => { p.one = false; p.z = 1; p.x = p.y = .5; }); root.querySelector('[data-one]').setAttribute('aria-pressed', false); all(); }
    else if (b.dataset.pick) show(e.shiftKey ? panes[0] : panes[1], b.dataset.pick);
  });
  document.addEventListener('keydown', (e) => {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) || e.isComposing) return;
    if (e.key === 'ArrowRight') turn(1); else if (e.key === 'ArrowLeft') turn(-1);
    else if (e.key === '+' || e.key === '=') zoom(panes[0], 1.3); else if (e.key === '-') zoom(panes[0], 1 / 1.3);
  });
  new ResizeObserver(all).observe(root);
  mark();
  all();
}
