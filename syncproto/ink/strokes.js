// What was drawn on a pad as the text that package ink reads: 1|HEIGHT|x y t dx
// dy dt …|…, on a pad that is 1000 wide. strokes are arrays of points {x, y} in
// shares of the pad's width and t in milliseconds of any clock; height is the
// pad's in the same shares. A drawing that is too long loses its closest points;
// "" says that even so it does not fit.
export function write(strokes, height) {
  for (const apart of [1, 3, 6, 12, 24, 60]) {
    const s = text(strokes, height, apart);
    if (s.length <= 16000) return s;
  }
  return "";
}

// points is how many there are in all.
export const points = (strokes) => strokes.reduce((n, s) => n + s.length, 0);

// Fewer points than this are no signature: see MinPoints in ink.go.
export const MIN_POINTS = 8;

function text(strokes, height, apart) {
  const within = (n, most) => Math.min(most, Math.max(0, Math.round(n)));
  const high = Math.min(1000, Math.max(100, Math.round(1000 * height)));
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
}
