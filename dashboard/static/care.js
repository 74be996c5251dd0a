/* What every page shares: times that stay true, and forms that are sent once. */
"use strict";
(() => {
  const meta = document.querySelector('meta[name="now"]');
  const start = meta ? Date.parse(meta.content) : Date.now();
  const began = performance.now();
  const now = () => start + (performance.now() - began); // the server's clock, which a demonstration may move

  const span = (ms) => {
    const s = Math.abs(ms) / 1000;
    if (s < 60) return "just now";
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 172800) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} days`;
  };
  const tick = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const gone = now() - Date.parse(time.dateTime);
      const words = span(gone);
      const bare = time.dataset.ago === "bare" || words === "just now";
      const said = bare ? words : gone < 0 ? `in ${words}` : `${words} ago`;
      if (time.textContent !== said) time.textContent = said;
    }
  };
  setInterval(tick, 15000);

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented) return;
    if (event.target.dataset.sent) return event.preventDefault();
    if (event.target.hasAttribute("data-download")) return;
    event.target.dataset.sent = "yes";
    button.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    }
    for (const talk of document.querySelectorAll(".talk")) talk.scrollTop = talk.scrollHeight;
  });
})();
