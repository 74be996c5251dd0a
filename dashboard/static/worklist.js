/* The open worklist asks again every three seconds. Nothing moves under the cursor: new rows wait behind a button until
   they are asked for, except stat, which goes to the top at once. */
"use strict";
(() => {
  const list = document.getElementById("worklist");
  if (!list || !window.fetch) return;
  const live = document.getElementById("live");
  const said = document.getElementById("said");
  const every = 3000;
  let tag = list.dataset.tag;
  let failures = 0;
  let held = null;

  const state = (on, words) => {
    live.hidden = false;
    live.dataset.state = on ? "on" : "off";
    if (live.textContent !== words) live.textContent = words;
  };
  const ids = (root) => new Set([...root.querySelectorAll("li[data-id]")].map((row) => row.dataset.id));
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  const show = (fresh) => {
    const before = ids(list);
    const focused = document.activeElement && list.contains(document.activeElement) ? document.activeElement.id : "";
    list.replaceChildren(...fresh.getElementById("list").childNodes);
    const counts = fresh.getElementById("counts");
    if (counts) document.getElementById("counts").replaceChildren(...counts.childNodes);
    for (const row of list.querySelectorAll("li[data-id]")) if (!before.has(row.dataset.id)) row.classList.add("new");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    held = null;
  };

  const offer = (fresh, count) => {
    held = fresh;
    const button = list.querySelector(".fresh");
    button.hidden = false;
    button.textContent = count === 1 ? "1 new alert. Show it" : `${count} new alerts. Show them`;
    button.onclick = () => show(held);
    said.textContent = button.textContent;
  };

  const take = (fresh) => {
    const before = ids(list);
    const rows = [...fresh.querySelectorAll("li[data-id]")].filter((row) => !before.has(row.dataset.id));
    const counts = fresh.getElementById("counts");
    const stat = rows.some((row) => row.dataset.priority === "stat");
    if (stat) said.textContent = "A new stat alert is at the top of the list.";
    if (stat || rows.length === 0 || before.size === 0) return show(fresh);
    if (counts) document.getElementById("counts").replaceChildren(...counts.cloneNode(true).childNodes);
    offer(fresh, rows.length);
  };

  const ask = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(list.dataset.rows, {
          headers: { "If-None-Match": `"${tag}"` },
          credentials: "same-origin",
          cache: "no-store",
          redirect: "manual",
        });
        if (answer.status === 401 || answer.type === "opaqueredirect") return state(false, "You were signed out. Reload the page to sign in.");
        if (answer.ok) {
          tag = (answer.headers.get("ETag") || "").replace(/^W\//, "").replaceAll('"', "");
          take(parse(await answer.text()));
        } else if (answer.status !== 304) throw new Error(String(answer.status));
        failures = 0;
        state(true, "Live");
      } catch {
        failures += 1;
        if (failures > 1) state(false, "Not live: no connection. What you see may be old.");
      }
    }
    setTimeout(ask, Math.min(every * (failures + 1), 20000));
  };
  state(true, "Live");
  setTimeout(ask, every);
})();
