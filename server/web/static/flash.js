// A message for the next page that came with a page which a script fetched and
// does not show: the page that is shown instead brings it.
const KEY = 'flash', SVG = 'http://www.w3.org/2000/svg';

const plain = (el) => [el.tagName, [...el.attributes].map((a) => [a.name, a.value]), [...el.children].map(plain)];

function svg([tag, attributes, children]) {
  const el = document.createElementNS(SVG, tag);
  attributes.forEach(([name, value]) => el.setAttribute(name, value));
  el.append(...children.map(svg));
  return el;
}

// carry keeps the messages of a fetched page.
export function carry(doc) {
  const all = [...doc?.querySelectorAll('main > .flash[role=status]') ?? []];
  if (!all.length) return;
  sessionStorage.setItem(KEY, JSON.stringify(all.map((f) => ({ name: f.className, icon: [...f.querySelectorAll('svg')].map(plain), text: f.textContent.trim() }))));
}

const kept = sessionStorage.getItem(KEY);
sessionStorage.removeItem(KEY);
if (kept) {
  document.querySelector('main').prepend(...JSON.parse(kept).map(({ name, icon, text }) => {
    const box = document.createElement('div'), span = document.createElement('span');
    box.className = name;
    box.setAttribute('role', 'status');
    span.textContent = text;
    box.append(...icon.map(svg), span);
    return box;
  }));
}
