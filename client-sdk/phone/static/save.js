// Saving while typing. A form with data-autosave goes to its own address some
// time after the last key, at once on a tick, and when the page is left; the
// server writes only what differs. A form with data-keep is kept in this tab
// until it is sent, because it makes a row only when its button is tapped; so is
// a field with data-keep of a form that saves itself otherwise.

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

// shown is a form as the page came.
function shown(form) {
  const all = new URLSearchParams();
  for (const f of form.elements) {
    if (!f.name || f.disabled || f.tagName === "BUTTON" || f.type === "file") continue;
    if (f.type === "radio" || f.type === "checkbox") f.defaultChecked && all.append(f.name, f.value);
    else all.append(f.name, f.defaultValue);
  }
  return all;
}

for (const form of document.querySelectorAll("form[data-autosave]")) {
  let timer = 0;
  // Who was faster than this script has typed already: that is not saved yet.
  const early = [...form.elements].includes(document.activeElement);
  let last = early ? shown(form).toString() : body(form).toString();
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
  if (early) timer = setTimeout(save, PAUSE);
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

// keep holds what is typed in some fields of a form until the form is sent. A
// form that comes back with a refusal shows what was typed: that is held anew,
// for a photo that is taken now reads the page again.
function keep(form, fields, sends) {
  const key = "keep " + form.getAttribute("action");
  const hold = () => {
    const all = {};
    for (const f of fields()) {
      if ((f.type === "radio" || f.type === "checkbox") ? f.checked : f.value) (all[f.name] ??= []).push(f.value);
    }
    sessionStorage.setItem(key, JSON.stringify(all));
  };
  const before = sessionStorage.getItem(key);
  if (before === null && document.querySelector(".wrong")) hold();
  else {
    try {
      const kept = JSON.parse(before || "{}");
      for (const f of fields()) {
        if (!(f.name in kept)) continue;
        if (f.type === "radio" || f.type === "checkbox") f.checked = kept[f.name].includes(f.value);
        else if (!f.defaultValue) f.value = kept[f.name][0] ?? "";
      }
    } catch { /* a broken note is no note */ }
  }
  document.addEventListener("input", (e) => e.target.form === form && hold()); // a field may stand outside of its form
  form.addEventListener("submit", (e) => sends(e.submitter) && sessionStorage.removeItem(key));
}

const typed = (f) => f.name && !["hidden", "file", "password"].includes(f.type) && f.tagName !== "BUTTON";
for (const form of document.querySelectorAll("form[data-keep]")) keep(form, () => [...form.elements].filter(typed), () => true);
// In a form that saves itself, some fields become a row only by its button.
for (const form of document.querySelectorAll("form[data-autosave]")) {
  const some = () => [...form.elements].filter((f) => f.hasAttribute("data-keep"));
  if (some().length) keep(form, some, (button) => button?.hasAttribute("formaction"));
}
