// Words of the dictionary that scripts use: keys without their "js." prefix.
const words = JSON.parse(document.getElementById('words').textContent || '{}');

export function t(key, ...args) {
  let s = words[key] ?? key;
  args.forEach((a, i) => { s = s.replaceAll(`{${i}}`, String(a)); });
  return s;
}
