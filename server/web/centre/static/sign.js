// The signature pad of a leftover order: pointer events of finger, pen and mouse.
// What goes out is the strokes; the server makes the picture from them.

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

  // 1|HEIGHT|x y t dx dy dt …|…, on a pad that is 1000 wide. A long one loses its
  // closest points.
  const text = (apart) => {
    const within = (n, most) => Math.min(most, Math.max(0, Math.round(n)));
    const high = Math.min(1000, Math.max(100, Math.round((1000 * canvas.height) / canvas.width)));
    const start = strokes[0]?.[0]?.t ?? 0;
    let out = `1|${high}`;
    let last = 0;
    for (const s of strokes.slice(0, 200)) {
      let at = [0, 0, 0];
      const numbers = [];
      s.forEach((p, i) => {
        const x = within(p.x * 1000, 1000);
        const y = within(p.y * 1000, high);
        if (i > 0 && i < s.length - 1 && Math.hypot(x - at[0], y - at[1]) < apart) return;
        const t = Math.max(last, within(p.t - start, 600000));
        numbers.push(x - at[0], y - at[1], t - at[2]);
        at = [x, y, t];
        last = t;
      });
      out += `|${numbers.join(" ")}`;
    }
    return out;
  };
  form.addEventListener("submit", (e) => {
    if (strokes.reduce((n, s) => n + s.length, 0) < 8) {
      wrong.textContent = form.dataset.noink;
      wrong.hidden = false;
      e.preventDefault();
      e.stopPropagation();
      return;
    }
    form.elements.strokes.value = [1, 3, 6, 12, 24, 60].map(text).find((s) => s.length <= 16000) ?? "";
  });
}
