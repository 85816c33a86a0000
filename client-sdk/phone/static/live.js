// When the phone's data or its sync changed, the page reads itself again and
// swaps the parts marked data-live. Whatever is being typed, opened or chosen
// stays: a part that holds the focus or a changed field is left alone. So does
// the answer to what was just sent (data-answer, in a part whose other words
// are the same): the page read again no longer knows of it.

const live = () => document.querySelectorAll("[data-live]");

// XMLHttpRequest parses the page into a document of its own, so that no string
// is ever turned into HTML by a script.
function fresh() {
  return new Promise((done) => {
    const x = new XMLHttpRequest();
    x.open("GET", location.href);
    x.responseType = "document";
    x.onload = () => done(x.status === 200 && x.responseURL === location.href.replace(location.hash, "") ? x.response : null);
    x.onerror = () => done(null);
    x.send();
  });
}

function busy(part) {
  if (part.contains(document.activeElement) && document.activeElement !== document.body && document.activeElement.matches("input, textarea")) return true;
  for (const f of part.querySelectorAll("input, textarea")) {
    if (f.type === "file" ? f.files.length : f.type === "checkbox" || f.type === "radio" ? f.checked !== f.defaultChecked : f.type !== "hidden" && f.value !== f.defaultValue) return true;
  }
  return part.querySelector(".busy") !== null;
}

// shown is what of a part must differ for it to be swapped.
function shown(part) {
  const p = part.cloneNode(true);
  p.querySelectorAll("[data-answer]").forEach((x) => x.remove());
  return p.textContent + p.querySelectorAll("*").length + [...p.querySelectorAll("[href],[data-state],progress")].map((x) => x.getAttribute("href") || x.value || x.dataset.state).join();
}

let running = false;
let again = false;
async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  const page = document.hidden ? null : await fresh();
  if (page) {
    for (const part of live()) {
      const next = page.querySelector(`[data-live="${part.dataset.live}"]`);
      if (!next || busy(part)) continue;
      const open = [...part.querySelectorAll("details")].map((d) => d.open);
      const copy = document.importNode(next, true);
      [...copy.querySelectorAll("details")].forEach((d, i) => open[i] !== undefined && (d.open = open[i]));
      if (shown(part) !== shown(copy)) part.replaceWith(copy);
    }
  }
  running = false;
  if (again) {
    again = false;
    refresh();
  }
}

// A page without the strip is the customer's, or of a phone not enrolled yet:
// there is nothing to listen to.
if (document.querySelector("#strip")) {
  const source = new EventSource("/events");
  source.addEventListener("change", refresh);
  source.addEventListener("open", refresh); // what changed between the page and this line, or while it was cut
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  setInterval(refresh, 60000); // clocks on the slips go on by themselves
  addEventListener("pagehide", () => source.close());
}
document.addEventListener("phone-saved", refresh);
