// Marks over a photo: boxes, arrows, and lengths measured by the tape measure
// that is in the picture. They lie over the photo in its own size and are saved
// beside it; the photo's bytes stay as they are.

const svg = (name, attributes) => {
  const el = document.createElementNS('http://www.w3.org/2000/svg', name);
  Object.entries(attributes).forEach(([k, v]) => el.setAttribute(k, v));
  return el;
};

// Shapes travel through the page as text: kind,x,y,x,y,mm,ratio;…
function read(text) {
  return (text || '').split(';').filter(Boolean).map((one) => {
    const [k, ...n] = one.split(','), [x1, y1, x2, y2, mm, r] = n.map(Number);
    return { k, p: [x1, y1, x2, y2], mm: mm || 0, r: r || 0 };
  });
}
const write = (shapes) => shapes.map((s) => [s.k, ...s.p, s.mm || 0, s.r || 0].join(',')).join(';');

export function overlay(box, left, top, w, h) {
  const el = box.querySelector('.marks');
  if (!el) return;
  el.style.transform = `translate(${left}px, ${top}px)`;
  const key = `${Math.round(w)}x${Math.round(h)} ${el.dataset.marks}`;
  if (el.dataset.drawn === key) return;
  el.dataset.drawn = key;
  el.setAttribute('width', w); el.setAttribute('height', h);
  el.replaceChildren(...read(el.dataset.marks).flatMap((s) => drawn(s, w, h)));
}

function drawn({ k, p: [x1, y1, x2, y2], mm }, w, h) {
  const a = [x1 * w, y1 * h], b = [x2 * w, y2 * h];
  if (k === 'box') return [svg('rect', { x: Math.min(a[0], b[0]), y: Math.min(a[1], b[1]), width: Math.abs(a[0] - b[0]), height: Math.abs(a[1] - b[1]) })];
  const turn = Math.atan2(b[1] - a[1], b[0] - a[0]), wing = (at, by, long) => `${at[0] - long * Math.cos(turn + by)},${at[1] - long * Math.sin(turn + by)}`;
  if (k === 'arrow') return [svg('path', { d: `M${a} L${b} M${wing(b, .45, 14)} L${b} L${wing(b, -.45, 14)}` })];
  const ends = [a, b].map((at) => `M${wing(at, Math.PI / 2, 7)} L${wing(at, -Math.PI / 2, 7)}`).join(' ');
  const text = svg('text', { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 - 7, class: k });
  text.textContent = mm ? `${mm} mm` : '? mm';
  return [svg('path', { d: `M${a} L${b} ${ends}`, class: k }), text];
}

// The length of a stretch by the ruler before it, as the server works it out
// again; without one it has none.
function measured(shapes) {
  const long = (s, r) => Math.hypot((s.p[2] - s.p[0]) * r, s.p[3] - s.p[1]);
  let ruler = null;
  shapes.forEach((s) => {
    if (s.k === 'ruler') ruler = s;
    else if (s.k === 'length') s.mm = ruler?.mm ? Math.round(10 * ruler.mm * long(s, ruler.r) / long(ruler, ruler.r)) / 10 : 0;
  });
  return shapes;
}

// marks shows them or not, and draws: a box, with Shift an arrow, or while
// measuring first the ruler and then what is wanted. One photo is marked at a
// time and saved with a form.
export function marks(root, signal) {
  const toggle = root.querySelector('[data-marks-toggle]'), draw = root.querySelector('[data-draw]'), measure = root.querySelector('[data-measure]'), form = root.querySelector('[data-mark-form]');
  let mode = '', begun = null;
  const flip = (button, v) => button?.setAttribute('aria-pressed', v);
  toggle.addEventListener('click', () => { root.classList.toggle('unmarked'); flip(toggle, !root.classList.contains('unmarked')); });
  if (!draw) return { on: () => false };
  const mm = form.querySelector('[data-ruler]');

  function turn(to) {
    mode = mode === to ? '' : to;
    flip(draw, mode === 'draw'); flip(measure, mode === 'measure');
    root.classList.toggle('drawing', mode !== '');
    root.classList.remove('unmarked');
    flip(toggle, true);
    form.hidden = !mode;
    form.dataset.mode = mode;
  }
  draw.addEventListener('click', () => turn('draw'));
  measure.addEventListener('click', () => turn('measure'));

  // Where the picture was laid last: the marks over it say so.
  const laid = (view) => view.querySelector('.marks').getBoundingClientRect();
  const place = (view, e) => {
    const r = laid(view), part = (v) => Number(Math.min(1, Math.max(0, v)).toFixed(4));
    return [part((e.clientX - r.left) / r.width), part((e.clientY - r.top) / r.height)];
  };
  const shapesOf = (view) => read(view.querySelector('.marks').dataset.marks);
  const lay = (view, shapes) => {
    const r = laid(view), box = view.getBoundingClientRect();
    view.querySelector('.marks').dataset.marks = write(measured(shapes));
    overlay(view, r.left - box.left, r.top - box.top, r.width, r.height);
  };
  const keep = (view) => { form.elements.shapes.value = JSON.stringify(shapesOf(view)); };
  const marked = () => root.querySelector(`figure:not([hidden])[data-photo="${CSS.escape(form.elements.photo.value)}"] [data-view]`);

  function shape(view, e) {
    const p = [...begun.from, ...place(view, e)];
    if (mode !== 'measure') return { k: e.shiftKey ? 'arrow' : 'box', p };
    if (begun.before.some((s) => s.k === 'ruler')) return { k: 'length', p };
    const img = view.querySelector('img');
    return { k: 'ruler', p, mm: Number(mm.value) || 0, r: Number((img.naturalWidth / img.naturalHeight).toFixed(4)) };
  }

  root.addEventListener('pointerdown', (e) => {
    const view = mode && e.target.closest('[data-view]'), fig = view && view.closest('figure');
    if (!view || e.button || !view.querySelector('.marks') || form.elements.photo.value && form.elements.photo.value !== fig.dataset.photo) return;
    form.elements.photo.value = fig.dataset.photo;
    begun = { view, from: place(view, e), before: shapesOf(view) };
    view.setPointerCapture(e.pointerId);
  });
  root.addEventListener('pointermove', (e) => { if (begun) lay(begun.view, [...begun.before, shape(begun.view, e)]); });
  root.addEventListener('pointerup', () => {
    if (!begun) return;
    const { view } = begun;
    begun = null;
    keep(view);
    if (shapesOf(view).some((s) => s.k === 'ruler' && !s.mm)) mm.focus();
  });
  mm.addEventListener('input', () => {
    const view = marked();
    if (!view) return;
    lay(view, shapesOf(view).map((s) => s.k === 'ruler' ? { ...s, mm: Number(mm.value) || 0 } : s));
    keep(view);
  });
  mm.addEventListener('keydown', (e) => { if (e.key === 'Enter') { e.preventDefault(); mm.blur(); } });
  form.querySelector('[data-mark-clear]').addEventListener('click', () => {
    const fig = [...root.querySelectorAll('figure:not([hidden])')].find((f) => !form.elements.photo.value || f.dataset.photo === form.elements.photo.value);
    if (!fig?.querySelector('.marks')) return;
    form.elements.photo.value = fig.dataset.photo;
    form.elements.shapes.value = '[]';
    lay(fig.querySelector('[data-view]'), []);
  });
  form.addEventListener('submit', (e) => {
    const view = marked(), blank = view && shapesOf(view).some((s) => s.k === 'ruler' && !s.mm);
    if (blank) mm.focus();
    if (blank || !form.elements.photo.value || !form.elements.shapes.value) { e.preventDefault(); e.stopPropagation(); }
  });
  return { on: () => mode !== '' };
}
