/* The walk: each step is a form of its own. With this script only the two faces are replaced, the form keeps itself, and
   what is being typed stays where it is. */
"use strict";
(() => {
  const walk = document.getElementById("walk");
  if (!walk || !window.fetch) return;
  const said = document.getElementById("said");
  let busy = false;
  let again = null;

  const down = () => {
    const chat = document.getElementById("chat");
    if (chat) chat.scrollTop = chat.scrollHeight;
  };

  /* The words in the field that has the focus, if they are newer than the page. */
  const typed = () => {
    const field = document.activeElement;
    if (!field || !walk.contains(field) || !field.id) return null;
    const words = "defaultValue" in field && field.value !== field.defaultValue && !/radio|checkbox/.test(field.type);
    return { id: field.id, value: words ? field.value : null, form: field.closest("form") };
  };

  const show = (html, sent) => {
    const kept = typed();
    const form = document.getElementById("form");
    const top = form ? form.scrollTop : 0;
    const fresh = new DOMParser().parseFromString(html, "text/html");
    walk.replaceChildren(...fresh.body.childNodes);
    const field = kept && document.getElementById(kept.id);
    if (field) {
      if (kept.value !== null && kept.form !== sent) field.value = kept.value;
      field.focus({ preventScroll: true });
    }
    if (document.getElementById("form")) document.getElementById("form").scrollTop = top;
    const alert = walk.querySelector("[role=alert]");
    const last = [...walk.querySelectorAll(".got p")].pop();
    said.textContent = alert ? alert.textContent : last ? last.textContent : "";
    down();
  };

  const lost = (words) => {
    const notice = document.getElementById("lost") || document.createElement("div");
    Object.assign(notice, { id: "lost", className: "notice warning", textContent: words });
    notice.setAttribute("role", "alert");
    walk.prepend(notice);
  };

  const step = async (form, button) => {
    if (busy) {
      again = { form, button };
      return;
    }
    const fields = new FormData(form);
    if (button && button.name) fields.set(button.name, button.value);
    busy = true;
    walk.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(fields),
        headers: { "X-Part": "walk" },
        credentials: "same-origin",
        redirect: "manual",
      });
      const html = await answer.text();
      if (!answer.ok) throw new Error(String(answer.status));
      busy = false;
      if (again) {
        const next = again;
        again = null;
        const fresh = new DOMParser().parseFromString(html, "text/html").querySelector("input[name=walk]");
        for (const state of walk.querySelectorAll("input[name=walk]")) state.value = fresh.value;
        if (next.form.isConnected) return step(next.form, next.button);
      }
      show(html, form);
    } catch (error) {
      if (error instanceof TypeError) lost(walk.dataset.lost);
      else form.submit(); // without the script's help the page itself says what is wrong
    } finally {
      busy = false;
      walk.removeAttribute("aria-busy");
    }
  };

  walk.addEventListener("submit", (event) => {
    event.preventDefault();
    step(event.target, event.submitter);
  });
  walk.addEventListener("change", (event) => {
    const form = event.target.closest("form");
    if (event.target.matches("[data-now]")) step(form, null);
    else if (form && form.matches("[data-live]")) step(form, form.querySelector('button[value="fill"]'));
  });
  walk.classList.add("scripted");
  down();
})();
