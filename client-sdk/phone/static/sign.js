// The signature pad: pointer events with all their in-between points, a line as
// wide as the pressure says (or the speed, where there is none), and ink that
// survives turning the phone. It goes out as the strokes; the app makes the
// picture from them.

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
  const drawn = () => strokes.reduce((n, s) => n + s.length, 0);
  // The strokes as the app reads them: 1|HEIGHT|x y t dx dy dt …|…, on a pad that
  // is 1000 wide. A long one loses its closest points.
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
  const drawing = () => {
    for (const apart of [1, 3, 6, 12, 24]) {
      const s = text(apart);
      if (s.length <= 16000) return s;
    }
    return text(60);
  };

  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    e.stopPropagation();
    if (form.dataset.sent) return;
    const outcome = e.submitter?.value;
    if (outcome === "signed" && drawn() < 8) {
      say(form.dataset.noink);
      return;
    }
    form.dataset.sent = "1";
    const data = new FormData(form);
    data.set("outcome", outcome);
    if (outcome === "signed") data.set("strokes", drawing());
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
