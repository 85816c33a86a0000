// Saving while typing. A form with data-autosave goes to its own address some
// time after the last key, at once on a tick, and when the page is left; the
// server writes only what differs. A form with data-keep is kept in this tab
// until it is sent, because it makes a row only when its button is tapped.

const PAUSE = 900;
const mark = document.querySelector(".saved");

function tell(ok) {
  if (!mark) return;
  const now = new Date();
  const hm = String(now.getHours()).padStart(2, "0") + ":" + String(now.getMinutes()).padStart(2, "0");
  mark.textContent = ok ? mark.dataset.saved + " " + hm : mark.dataset.unsaved;
}

// Each autosaved form puts its own save here; a photo waits for all of them,
// since the page reads itself again after it.
const saves = [];
export const flush = () => Promise.all(saves.map((save) => save()));

function body(form) {
  return new URLSearchParams(new FormData(form));
}

for (const form of document.querySelectorAll("form[data-autosave]")) {
  let timer = 0;
  let last = body(form).toString();
  let chain = Promise.resolve();
  let waiting = 0;
  const save = () => {
    clearTimeout(timer);
    const data = body(form);
    if (data.toString() === last || form.dataset.sent) return chain;
    const sent = data.toString();
    last = sent;
    waiting++;
    chain = chain.then(async () => {
      try {
        const r = await fetch(form.getAttribute("action"), {
          method: "POST", body: data, keepalive: sent.length < 60000, headers: { "X-Phone-Script": "1" },
        });
        if (!r.ok && r.status !== 422) last = "";
        tell(r.ok);
        document.dispatchEvent(new Event("phone-saved"));
      } catch {
        last = ""; // the app itself is gone: the next key tries again
        tell(false);
      }
      waiting--;
    });
    return chain;
  };
  saves.push(save);
  // A tap on the button waits for a save on its way, so that older words never
  // land after newer ones.
  form.addEventListener("submit", (e) => {
    clearTimeout(timer);
    if (!waiting) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    const by = e.submitter;
    chain.then(() => form.requestSubmit(by));
  });
  form.addEventListener("input", (e) => {
    clearTimeout(timer);
    const box = e.target.type === "checkbox" || e.target.type === "radio";
    timer = setTimeout(save, box ? 60 : PAUSE);
  });
  form.addEventListener("focusout", save);
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", () => document.hidden && save());
}

for (const form of document.querySelectorAll("form[data-keep]")) {
  const key = "keep " + form.getAttribute("action");
  const fields = () => [...form.elements].filter((f) => f.name && !["hidden", "file", "password"].includes(f.type) && f.tagName !== "BUTTON");
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) || "null");
    if (kept && !document.querySelector(".wrong")) {
      for (const f of fields()) {
        if (!(f.name in kept)) continue;
        if (f.type === "radio" || f.type === "checkbox") f.checked = kept[f.name].includes(f.value);
        else if (!f.defaultValue) f.value = kept[f.name][0] ?? "";
      }
    }
  } catch { /* a broken note is no note */ }
  form.addEventListener("input", () => {
    const all = {};
    for (const [k, v] of new FormData(form)) if (typeof v === "string" && k !== "id") (all[k] ??= []).push(v);
    sessionStorage.setItem(key, JSON.stringify(all));
  });
  form.addEventListener("submit", () => sessionStorage.removeItem(key));
}
