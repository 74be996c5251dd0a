/* A form that is filled in on the telephone keeps itself on the server: after each answer, and after a pause in typing.
   What is being typed stays where it is. Without this script the buttons do the same. */
"use strict";
(() => {
  const phone = document.getElementById("phone");
  if (!phone || !window.fetch) return;
  const said = document.getElementById("said");
  let busy = false;
  let again = false;
  let timer = 0;

  const field = () => (phone.contains(document.activeElement) && document.activeElement.id ? document.activeElement : null);

  const show = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const held = field();
    const words = held && !/radio|checkbox|hidden/.test(held.type) && held.tagName !== "BUTTON" ? held.value : null;
    const at = words !== null && "selectionStart" in held ? held.selectionStart : null;
    phone.replaceChildren(...fresh.body.childNodes);
    const now = held && document.getElementById(held.id);
    if (now) {
      if (words !== null) now.value = words;
      now.focus({ preventScroll: true });
      if (at !== null) try { now.setSelectionRange(at, at); } catch { /* a number has no place in it */ }
    }
    const alert = phone.querySelector("[role=alert]");
    said.textContent = alert ? alert.textContent : (document.getElementById("kept") || said).textContent;
  };

  const lost = () => {
    const notice = document.getElementById("lost") || document.createElement("div");
    Object.assign(notice, { id: "lost", className: "notice warning", textContent: phone.dataset.lost });
    notice.setAttribute("role", "alert");
    phone.prepend(notice);
    timer = setTimeout(keep, 10000);
  };

  const keep = async () => {
    clearTimeout(timer);
    const form = phone.querySelector("form");
    if (!form || form.querySelector('[value="over"]')) return;
    if (busy) return void (again = true);
    busy = true;
    const fields = new URLSearchParams(new FormData(form));
    fields.set("act", "fill");
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: fields, headers: { "X-Part": "phone" }, credentials: "same-origin", redirect: "manual",
      });
      if (answer.ok || answer.status === 409) show(await answer.text());
      else form.querySelector('button[value="fill"]').click(); // the page itself says what is wrong
    } catch {
      lost();
    } finally {
      busy = false;
      if (again) {
        again = false;
        keep();
      }
    }
  };

  phone.addEventListener("change", keep);
  phone.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(keep, 2000);
  });
  phone.addEventListener("submit", () => clearTimeout(timer));
})();
