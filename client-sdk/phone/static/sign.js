// The signature pad: pointer events with all their in-between points, a line as
// wide as the pressure says (or the speed, where there is none), and ink that
// survives turning the phone. It goes out as the strokes; the app makes the
// picture from them.

import { MIN_POINTS, points, write } from "./strokes.js";

const pad = document.querySelector("[data-pad]");
if (pad) {
  const form = pad.closest("form");
  const canvas = pad.querySelector("canvas");
  const ctx = canvas.getContext("2d");
  const wrong = form.querySelector("[data-pad-wrong]");
  const strokes = []; // of points {x, y, w} in shares of the pad's width, t in ms
  let stroke = null;
  let pen = null;

  const fit = () => {
    const box = canvas.getBoundingClientRect();
    const dpr = Math.min(3, devicePixelRatio || 1);
    canvas.width = Math.round(box.width * dpr);
    canvas.height = Math.round(box.height * dpr);
    redraw();
  };
  const segment = (a, b) => {
    const k = canvas.width;
    ctx.lineCap = ctx.lineJoin = "round";
    ctx.strokeStyle = "#101820";
    ctx.lineWidth = ((a.w + b.w) / 2) * k;
    ctx.beginPath();
    ctx.moveTo(a.x * k, a.y * k);
    ctx.lineTo(b.x * k, b.y * k + 0.01);
    ctx.stroke();
  };
  const redraw = () => {
    ctx.clearRect(0, 0, canvas.width, canvas.height);
    for (const s of strokes) for (let i = 1; i < s.length; i++) segment(s[i - 1], s[i]);
  };
  const point = (e) => {
    const box = canvas.getBoundingClientRect();
    const x = (e.clientX - box.left) / box.width;
    const y = (e.clientY - box.top) / box.width;
    const last = stroke?.at(-1);
    let w = 0.009;
    if (e.pointerType === "pen" && e.pressure > 0) w = 0.004 + 0.011 * e.pressure;
    else if (last) w = Math.max(0.0055, 0.0115 - 0.16 * Math.hypot(x - last.x, y - last.y));
    if (last) w = last.w + (w - last.w) * 0.35;
    return { x, y, w, t: e.timeStamp };
  };
  canvas.addEventListener("pointerdown", (e) => {
    if (pen !== null || (e.pointerType === "touch" && (e.width > 90 || e.height > 90))) return; // a palm
    pen = e.pointerId;
    canvas.setPointerCapture(pen);
    stroke = [];
    stroke.push(point(e));
    strokes.push(stroke);
    const p = stroke[0];
    segment(p, { ...p, x: p.x + 0.001 });
    wrong.classList.add("gone"); // keeps its room: the pad must not move under the finger
    pad.querySelector(".hint").hidden = true;
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
    pad.querySelector(".hint").hidden = false;
    redraw();
  });
  new ResizeObserver(fit).observe(canvas);
  fit();

  const say = (text) => {
    wrong.querySelector("span").textContent = text;
    wrong.hidden = false;
    wrong.classList.remove("gone");
    wrong.scrollIntoView({ block: "center" });
  };
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    e.stopPropagation();
    if (form.dataset.sent) return;
    const outcome = e.submitter?.value;
    if (outcome === "signed" && points(strokes) < MIN_POINTS) {
      say(form.dataset.noink);
      return;
    }
    form.dataset.sent = "1";
    const data = new FormData(form);
    data.set("outcome", outcome);
    if (outcome === "signed") data.set("strokes", write(strokes, canvas.height / canvas.width));
    try {
      const r = await fetch(form.action, { method: "POST", body: data, headers: { "X-Phone-Script": "1" } });
      if (r.ok) {
        location.assign(r.headers.get("X-Phone-Next") || "/");
        return;
      }
      say(await r.text());
    } catch (err) {
      say(String(err.message || err));
    }
    delete form.dataset.sent;
  });
}
