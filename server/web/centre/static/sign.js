// The signature pad of a leftover order: pointer events of finger, pen and mouse.
// What goes out is the strokes; the server makes the picture from them.
import { MIN_POINTS, points, write } from "../ink/strokes.js";

const pad = document.querySelector("[data-pad]");
if (pad) {
  const form = pad.closest("form");
  const canvas = pad.querySelector("canvas");
  const ctx = canvas.getContext("2d");
  const wrong = form.querySelector("[data-pad-wrong]");
  const hint = pad.querySelector(".hint");
  const strokes = []; // of points {x, y} in shares of the pad's width, t in ms
  let stroke = null;
  let pen = null;

  const segment = (a, b) => {
    const k = canvas.width;
    ctx.lineCap = ctx.lineJoin = "round";
    ctx.strokeStyle = "#101820";
    ctx.lineWidth = 0.006 * k;
    ctx.beginPath();
    ctx.moveTo(a.x * k, a.y * k);
    ctx.lineTo(b.x * k, b.y * k + 0.01);
    ctx.stroke();
  };
  const redraw = () => {
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    for (const s of strokes) s.forEach((p, i) => segment(s[Math.max(0, i - 1)], p));
  };
  const fit = () => {
    const box = canvas.getBoundingClientRect();
    const dpr = Math.min(3, devicePixelRatio || 1);
    canvas.width = Math.round(box.width * dpr);
    canvas.height = Math.round(box.height * dpr);
    redraw();
  };
  const point = (e) => {
    const box = canvas.getBoundingClientRect();
    return { x: (e.clientX - box.left) / box.width, y: (e.clientY - box.top) / box.width, t: e.timeStamp };
  };
  canvas.addEventListener("pointerdown", (e) => {
    if (pen !== null || e.button > 0) return;
    pen = e.pointerId;
    canvas.setPointerCapture(pen);
    stroke = [point(e)];
    strokes.push(stroke);
    segment(stroke[0], stroke[0]);
    wrong.hidden = hint.hidden = true;
    e.preventDefault();
  });
  canvas.addEventListener("pointermove", (e) => {
    if (e.pointerId !== pen) return;
    const all = e.getCoalescedEvents?.() ?? [];
    for (const part of all.length ? all : [e]) {
      const p = point(part);
      segment(stroke.at(-1), p);
      stroke.push(p);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (e) => {
      if (e.pointerId === pen) pen = stroke = null;
    });
  }
  pad.querySelector("[data-wipe]").addEventListener("click", () => {
    strokes.length = 0;
    hint.hidden = false;
    redraw();
  });
  new ResizeObserver(fit).observe(canvas);
  fit();

  form.addEventListener("submit", (e) => {
    if (points(strokes) < MIN_POINTS) {
      wrong.textContent = form.dataset.noink;
      wrong.hidden = false;
      e.preventDefault();
      e.stopPropagation();
      return;
    }
    form.elements.strokes.value = write(strokes, canvas.height / canvas.width);
  });
}
