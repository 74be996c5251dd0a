/* What every page shares: times that stay true, and forms that are sent once. */
"use strict";
(() => {
  const meta = document.querySelector('meta[name="now"]');
  const start = meta ? Date.parse(meta.content) : Date.now();
  const began = performance.now();
  const now = () => start + (performance.now() - began); // the server's clock, which a demonstration may move

  const told = document.querySelector('meta[name="time-words"]');
  const words = told ? JSON.parse(told.content) : null; // in the reader's language; "#" stands for what varies
  const span = (ms) => {
    const s = Math.abs(ms) / 1000;
    if (s < 60) return words.now;
    if (s < 3600) return words.minutes.replace("#", Math.floor(s / 60));
    if (s < 172800) return words.hours.replace("#", Math.floor(s / 3600));
    return words.days.replace("#", Math.floor(s / 86400));
  };
  const tick = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const gone = now() - Date.parse(time.dateTime);
      const long = span(gone);
      const bare = time.dataset.ago === "bare" || long === words.now;
      const said = bare ? long : (gone < 0 ? words.future : words.past).replace("#", long);
      if (time.textContent !== said) time.textContent = said;
    }
  };
  if (words) setInterval(tick, 15000);

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented) return;
    if (event.target.dataset.sent) return event.preventDefault();
    if (event.target.hasAttribute("data-download")) return;
    event.target.dataset.sent = "yes";
    button.setAttribute("aria-busy", "true");
  });
  /* One key to find a patient, wherever staff are. */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
    const find = document.querySelector('.nav a[href$="/find"]');
    if (!find) return;
    event.preventDefault();
    const question = document.querySelector("form[data-find] input[type=search]");
    if (question) question.focus();
    else location.assign(find.href);
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    }
    for (const talk of document.querySelectorAll(".talk")) talk.scrollTop = talk.scrollHeight;
  });
})();
