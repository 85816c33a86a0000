// What every page does: save while typing, keep taps from doubling, send photos
// with a preview, and read the live parts again when the phone's data changed.
// Without this file all forms still work as plain forms.

import "./save.js";
import "./photo.js";
import "./place.js";
import "./live.js";
import "./sign.js";

// After a refusal the page stands at the form's address; its own is the one to
// read again.
const self = document.body.dataset.self;
if (self && self !== location.pathname) history.replaceState(null, "", self);

// What a photo left to say, where the page was read again without moving.
const said = sessionStorage.getItem("said");
sessionStorage.removeItem("said");
if (said) {
  const p = document.createElement("p");
  p.className = "toast";
  p.setAttribute("role", "status");
  p.textContent = said;
  document.body.append(p);
  setTimeout(() => p.remove(), 6000);
}

// A form goes out once: the second tap of a dusty thumb is not a second row.
addEventListener("submit", (e) => {
  const form = e.target;
  if (e.defaultPrevented) return;
  if (form.dataset.sent) {
    e.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  const b = e.submitter;
  if (b && b.dataset.busy) {
    setTimeout(() => { // after the button's own name and value went out
      b.disabled = true;
      b.classList.add("busy");
      b.textContent = b.dataset.busy;
    });
  }
});
// Coming back by the arrow shows the page as it was: let it be sent again.
addEventListener("pageshow", (e) => {
  if (e.persisted) location.reload();
});
