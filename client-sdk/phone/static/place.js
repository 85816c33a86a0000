// Where photos are taken, for those who agreed to it: a page on which a photo or
// an arrival may come next asks the web view for a fix and tells the app, which
// keeps the last one. A refusal, no receiver and no signal are all the same:
// nothing is said, nothing waits, nothing asks again.

const AGAIN = 60 * 1000;
let last = 0;
let asking = false;

function ask() {
  if (asking || document.hidden || Date.now() - last < AGAIN) return;
  asking = true;
  navigator.geolocation.getCurrentPosition((p) => {
    asking = false;
    last = Date.now();
    fetch("/position", {
      method: "POST",
      headers: { "X-Phone-Script": "1" },
      body: new URLSearchParams({ lat: p.coords.latitude, lon: p.coords.longitude, metres: p.coords.accuracy, age: Math.max(0, Date.now() - p.timestamp) }),
    }).catch(() => {});
  }, (e) => {
    asking = e.code === e.PERMISSION_DENIED; // the system's answer stands
    last = Date.now();
  }, { enableHighAccuracy: true, maximumAge: AGAIN, timeout: 20000 });
}

if (document.body.hasAttribute("data-place") && navigator.geolocation && document.querySelector("form.shot, #arrive")) {
  ask();
  setInterval(ask, AGAIN);
  document.addEventListener("visibilitychange", ask);
  document.addEventListener("click", (e) => e.target.closest?.("form.shot") && ask());
}
