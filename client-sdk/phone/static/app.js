// What every page does: save while typing, keep taps from doubling, send photos
// with a preview, and read the live parts again when the phone's data changed.
// Without this file all forms still work as plain forms.

import "./save.js";
import "./photo.js";
import "./live.js";
import "./sign.js";

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
