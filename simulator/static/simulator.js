/* The open simulator asks once a second what has changed, and sends its forms without leaving the page. Without this
   script every form still works; the page is then loaded again by hand. */
"use strict";
(() => {
  const body = document.body;
  const said = document.getElementById("said");
  const trouble = document.getElementById("trouble");
  const every = 1000;
  let tag = "";
  let token = "";
  let failures = 0;
  let timer = 0;

  const say = (words) => {
    said.textContent = "";
    setTimeout(() => (said.textContent = words), 50);
  };
  const complain = (words) => {
    trouble.hidden = !words;
    if (trouble.textContent !== words) trouble.textContent = words;
  };
  const bottom = (box) => (box.scrollTop = box.scrollHeight);

  const put = (box, fresh) => {
    if (box.innerHTML === fresh.innerHTML) return;
    const low = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    const held = box.contains(document.activeElement) && document.activeElement !== box ? box : null;
    box.replaceChildren(...fresh.childNodes);
    if (held && held.tabIndex === 0) held.focus({ preventScroll: true });
    if (!box.classList.contains("talk-box")) return;
    const more = Number(fresh.dataset.count) > Number(box.dataset.count);
    box.dataset.count = fresh.dataset.count;
    if (low || more) bottom(box);
    if (more) {
      document.getElementById(box.dataset.chip)?.classList.add("new");
      say(body.dataset.new.replace("{channel}", box.dataset.channel));
    }
  };

  const take = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    token = fresh.querySelector("[data-token] input")?.value || token;
    for (const part of fresh.querySelectorAll("[data-live]")) {
      const box = document.querySelector(`main [data-live="${part.dataset.live}"]`);
      if (box) put(box, part);
    }
    for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = token;
  };

  const ask = async () => {
    clearTimeout(timer);
    try {
      const answer = await fetch(body.dataset.liveUrl, {
        headers: tag ? { "If-None-Match": `"${tag}"` } : {},
        cache: "no-store",
      });
      if (answer.ok) {
        tag = (answer.headers.get("ETag") || "").replace(/^W\//, "").replaceAll('"', "");
        take(await answer.text());
      } else if (answer.status !== 304) throw new Error(String(answer.status));
      if (failures > 1) complain("");
      failures = 0;
    } catch {
      failures += 1;
      if (failures > 1) complain(body.dataset.offline);
    }
    timer = setTimeout(ask, Math.min(every * (failures + 1), 10000));
  };

  // One after the other: what is written while the last is on its way waits, and is not lost.
  let sending = Promise.resolve();
  const post = async (form, fields, words) => {
    await ask(); // somebody may have signed in or out on the nurse's page just now: our secret is then another one
    if (token) fields.set("csrf_token", token);
    try {
      const answer = await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.ok) {
        complain("");
        if (form.dataset.said) say(body.dataset[form.dataset.said]);
      } else {
        const told = new DOMParser().parseFromString(await answer.text(), "text/html");
        complain(told.querySelector("main p")?.textContent.trim() || String(answer.status));
        give(form, words);
      }
    } catch {
      complain(body.dataset.offline);
      give(form, words);
    }
    await ask();
  };
  const give = (form, words) => {
    const box = form.querySelector("textarea");
    if (box && !box.value) box.value = words;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.hasAttribute("data-quiet")) return;
    event.preventDefault();
    const fields = new FormData(form, event.submitter);
    const box = form.querySelector("textarea");
    const words = box ? box.value : "";
    if (box) form.reset();
    sending = sending.then(() => post(form, fields, words));
  });

  document.addEventListener("keydown", (event) => {
    const words = event.target.closest?.(".composer textarea");
    if (!words || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (words.value.trim()) words.form.requestSubmit(words.form.querySelector('button[value="text"]'));
  });

  for (const chip of document.querySelectorAll(".chips a")) {
    chip.addEventListener("click", (event) => {
      event.preventDefault();
      chip.classList.remove("new");
      const stand = document.querySelector(chip.hash);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      stand.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "nearest", inline: "start" });
      stand.querySelector("textarea, [tabindex]")?.focus({ preventScroll: true });
    });
  }
  document.querySelectorAll(".talk-box").forEach(bottom);
  if (document.querySelector("[data-live]")) timer = setTimeout(ask, every);
})();
