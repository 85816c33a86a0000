// The photo stage: two panes that zoom and pan together. A place is kept as a
// fraction of the picture, so that a full view and its close-up, of whatever
// size, show the same relative place.

import { marks, overlay } from './marks.js';

// The page is painted before an original is fetched: twelve megapixels keep a
// small machine busy for longer than all the rest.
const painted = new Promise((done) => {
  new PerformanceObserver((seen) => { if (seen.getEntriesByName('first-contentful-paint').length) done(); }).observe({ type: 'paint', buffered: true });
  setTimeout(done, 1000); // a page that was opened behind another one
});

// stage brings a stage to life until signal ends it: the next case has its own.
export function stage(root, signal) {
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
    overlay(box, left, top, w, h);
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

  const slide = compare(root, panes, all);
  const drawing = marks(root, signal);

  panes.forEach((p) => {
    const fingers = new Map();
    p.el.addEventListener('wheel', (e) => { if (!e.target.closest('[data-view]')) return; e.preventDefault(); zoom(p, Math.exp(-e.deltaY * (e.deltaMode ? .05 : .0016)), e.clientX, e.clientY); }, { passive: false });
    p.el.addEventListener('pointerdown', (e) => { if (!e.target.closest('[data-view]') || e.button || drawing.on()) return; p.el.setPointerCapture(e.pointerId); fingers.set(e.pointerId, e); });
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
    p.el.querySelectorAll('img').forEach((img) => {
      img.addEventListener('load', () => { draw(p); sharpen(img, () => draw(p)); });
      img.addEventListener('error', () => undrawn(img, true));
      if (img.complete && img.src && !img.naturalWidth && img.loading !== 'lazy') undrawn(img, true); // before this script
    });
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
    if (image(p)?.complete) sharpen(image(p), () => draw(p));
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
  document.addEventListener('click', (e) => {
    const b = e.target.closest('[data-pick-far]');
    if (b) show(panes[1], b.dataset.pickFar);
  }, { signal });
  document.addEventListener('keydown', (e) => {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) || e.isComposing) return;
    if (e.key === 'ArrowRight') slide(5) || turn(1); else if (e.key === 'ArrowLeft') slide(-5) || turn(-1);
    else if (e.key === '+' || e.key === '=') zoom(panes[0], 1.3); else if (e.key === '-') zoom(panes[0], 1 / 1.3);
  }, { signal });
  const seen = new ResizeObserver(all);
  seen.observe(root);
  signal.addEventListener('abort', () => seen.disconnect());
  addEventListener('resize', all, { signal });
  mark();
  all();
  panes.forEach((p) => { if (image(p)?.complete) sharpen(image(p), () => draw(p)); }); // loaded before this script
}

// The preview is on the screen at once; the original takes its place when it is
// there and decoded, at the same zoom and place. It is another element: the same
// one would for a moment have the original's size and the preview's scale, and
// what is drawn in that moment would lie elsewhere.
async function sharpen(img, draw) {
  await painted;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30))); // also a case that came into this page
  const from = img.dataset.original;
  if (!from || img.closest('figure').hidden) return;
  delete img.dataset.original;
  const original = new Image();
  original.src = from;
  original.decode().then(() => {
    [...img.attributes].forEach((a) => ['src', 'style'].includes(a.name) || original.setAttribute(a.name, a.value));
    img.replaceWith(original);
    draw();
    undrawn(original, false);
  }, () => { img.dataset.original = from; undrawn(img, true); });
}

// An original that can't be opened says so, with its hash and the way to it.
function undrawn(img, is) {
  const said = img.closest('figure').querySelector('[data-undrawn]');
  if (said) said.hidden = !is;
}

// Compare: the close-up lies over the full view and is cut by a slider.
function compare(root, panes, all) {
  const button = root.querySelector('[data-compare]'), row = root.querySelector('[data-cut-row]'), cut = root.querySelector('[data-cut]'), box = root.querySelector('[data-panes]');
  const set = () => panes[1].el.style.setProperty('--cut', `${cut.value}%`);
  button.addEventListener('click', () => {
    const on = box.dataset.mode !== 'compare';
    if (on) box.dataset.mode = 'compare'; else delete box.dataset.mode;
    row.hidden = !on;
    button.setAttribute('aria-pressed', on);
    set();
    all();
  });
  cut.addEventListener('input', set);
  // The arrows move it while it is there; else they leaf through the photos.
  return (by) => {
    if (row.hidden) return false;
    cut.value = Number(cut.value) + by;
    set();
    return true;
  };
}
