// Taking a photo: chosen is sent, unless the photographer has something to
// confirm first. The original goes out byte for byte; where the server can't
// decode the format (HEIC), the browser adds a small JPEG if it can.

import { flush } from "./save.js";

const MAX_PREVIEW = 32 * 1024;
const SERVER_DECODES = ["image/jpeg", "image/png", "image/webp"];

async function preview(file) {
  if (SERVER_DECODES.includes(file.type) && file.size < 20 * 1024 * 1024) return null;
  try {
    const picture = await createImageBitmap(file);
    for (const edge of [960, 640, 400, 240]) {
      const scale = Math.min(1, edge / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.max(1, Math.round(picture.width * scale));
      canvas.height = Math.max(1, Math.round(picture.height * scale));
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.7));
      if (blob && blob.size <= MAX_PREVIEW) return blob;
    }
  } catch { /* this browser can't read it either: the original goes alone */ }
  return null;
}

function say(form, text) {
  let p = form.querySelector(".shot-wrong");
  if (!p) {
    p = document.createElement("p");
    p.className = "shot-wrong";
    p.setAttribute("role", "alert");
    form.append(p);
  }
  p.textContent = text;
}

document.addEventListener("change", (e) => {
  const form = e.target.closest?.("form.shot");
  if (!form || e.target.type !== "file" || !e.target.files.length) return;
  form.querySelector(".shot-wrong")?.remove();
  const old = form.querySelector("img.chosen");
  if (old) {
    URL.revokeObjectURL(old.src);
    old.remove();
  }
  const send = form.querySelector(".send");
  if (!send.hasAttribute("data-ask")) {
    form.requestSubmit(send);
    return;
  }
  const img = new Image();
  img.className = "chosen";
  img.alt = "";
  img.src = URL.createObjectURL(e.target.files[0]);
  form.querySelector(".pick").prepend(img);
  form.classList.add("chosen");
});

document.addEventListener("submit", async (e) => {
  const form = e.target;
  if (!form.classList.contains("shot")) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  const file = form.elements.photo.files[0];
  if (!file || form.dataset.sent) return;
  form.dataset.sent = "1";
  const send = form.querySelector(".send");
  const words = send.textContent;
  send.textContent = send.dataset.busy;
  form.classList.add("busy");
  try {
    await flush();
    const data = new FormData(form);
    const small = await preview(file);
    if (small) data.set("preview", small, "preview.jpg");
    const r = await fetch(form.action, { method: "POST", body: data, headers: { "X-Phone-Script": "1" } });
    if (r.ok) {
      sessionStorage.setItem("said", decodeURIComponent(r.headers.get("X-Phone-Said") || ""));
      const next = r.headers.get("X-Phone-Next") || location.pathname;
      if (new URL(next, location.href).pathname === location.pathname && location.hash === "") location.reload();
      else location.assign(next);
      return;
    }
    say(form, await r.text());
  } catch (err) {
    say(form, String(err.message || err));
  }
  form.reset();
  delete form.dataset.sent;
  form.classList.remove("busy", "chosen");
  form.querySelector("img.chosen")?.remove();
  send.textContent = words;
}, true);
