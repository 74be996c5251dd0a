/* The open worklist asks again before two seconds are over. Nothing moves under the cursor: what is new waits behind a
   button until it is asked for, except stat, which goes to the top at once, with a sound that can be muted. */
"use strict";
(() => {
  const list = document.getElementById("worklist");
  if (!list || !window.fetch) return;
  const byId = (id) => document.getElementById(id);
  const said = byId("said");
  const words = list.dataset;
  const every = 1500;
  let tag = words.tag;
  let pages = Number(words.pages) || 1;
  let failures = 0;
  let held = null;
  let timer = 0;

  const rowsOf = (root) => [...root.querySelectorAll("li[data-id]")];
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  const isStat = (row) => row.dataset.priority === "stat";

  const state = (on, text) => {
    const live = byId("live");
    live.hidden = false;
    live.dataset.state = on ? "on" : "off";
    if (live.textContent !== text) live.textContent = text;
  };

  /* Where the reader is: the row that has the focus, or had it last. */
  let selected = "";
  const current = () => list.querySelector(`li[data-id="${selected}"]`);
  const select = (row, focus = true) => {
    for (const one of list.querySelectorAll("li.here")) one.classList.remove("here");
    if (!row) return;
    selected = row.dataset.id;
    row.classList.add("here");
    if (focus) row.querySelector("a.open").focus();
    row.scrollIntoView({ block: "nearest" });
  };
  list.addEventListener("focusin", (event) => {
    const row = event.target.closest("li[data-id]");
    if (row && row.dataset.id !== selected) select(row, false);
  });

  const keepFocus = (change) => {
    const focused = list.contains(document.activeElement) ? document.activeElement.id : "";
    change();
    if (focused && document.activeElement?.id !== focused) byId(focused)?.focus({ preventScroll: true });
    current()?.classList.add("here");
  };

  const recount = (fresh) => {
    const counts = fresh.getElementById("counts");
    if (counts) byId("counts").replaceChildren(...counts.cloneNode(true).childNodes);
  };

  const show = (fresh) => {
    const before = new Set(rowsOf(list).map((row) => row.dataset.id));
    keepFocus(() => list.replaceChildren(...fresh.getElementById("list").childNodes));
    for (const row of rowsOf(list)) if (before.size && !before.has(row.dataset.id)) row.classList.add("new");
    recount(fresh);
    held = null;
  };

  const offer = (fresh, count) => {
    held = fresh;
    const button = list.querySelector(".fresh");
    button.hidden = false;
    const text = count === 0 ? words.moved : count === 1 ? words.newOne : words.new.replace("{count}", count);
    if (button.textContent === text) return;
    button.textContent = text;
    said.textContent = text;
  };

  /* What is there already is renewed where it stands, what is gone says so and stays until the list is shown anew. */
  const renew = (fresh) => {
    const found = new Map(rowsOf(fresh).map((row) => [row.dataset.id, row]));
    const ended = !fresh.getElementById("more");
    for (const row of rowsOf(list)) {
      const newer = found.get(row.dataset.id);
      if (newer) {
        row.classList.remove("gone");
        if (row.innerHTML !== newer.innerHTML) {
          row.replaceChildren(...newer.cloneNode(true).childNodes);
          row.dataset.priority = newer.dataset.priority;
        }
      } else if (ended && !row.classList.contains("gone")) {
        row.classList.add("gone");
        row.querySelector(".owner").textContent = words.gone;
        row.querySelector(".acts").replaceChildren();
      }
    }
  };

  const take = (fresh) => {
    const known = new Map(rowsOf(list).map((row) => [row.dataset.id, row]));
    if (known.size === 0) {
      const pressing = rowsOf(fresh).some(isStat);
      show(fresh);
      if (pressing) alarm();
      return;
    }
    const rows = rowsOf(fresh);
    const stat = rows.filter((row) => isStat(row) && !(known.has(row.dataset.id) && isStat(known.get(row.dataset.id))));
    const others = rows.filter((row) => !isStat(row) && !known.has(row.dataset.id));
    const order = rows.map((row) => row.dataset.id).filter((id) => known.has(id));
    keepFocus(() => {
      renew(fresh);
      const top = list.querySelector("ol.rows");
      for (const row of [...stat].reverse()) {
        known.get(row.dataset.id)?.remove();
        const made = row.cloneNode(true);
        made.classList.add("new");
        top.prepend(made);
      }
    });
    recount(fresh);
    if (stat.length) alarm();
    const moved = rowsOf(list).map((row) => row.dataset.id).filter((id) => order.includes(id));
    const gone = list.querySelector("li.gone") !== null;
    if (others.length || gone || moved.join() !== order.join()) offer(fresh, others.length);
    else {
      held = null;
      list.querySelector(".fresh").hidden = true;
    }
  };

  const address = () => {
    const url = new URL(words.rows, location.href);
    if (pages > 1) url.searchParams.set("pages", pages);
    return url;
  };

  const ask = async (whole = false) => {
    try {
      const headers = whole ? {} : { "If-None-Match": `"${tag}"` };
      const answer = await fetch(address(), { headers, credentials: "same-origin", cache: "no-store", redirect: "manual" });
      if (answer.status === 401 || answer.type === "opaqueredirect") {
        state(false, words.signedOut);
        return false;
      }
      if (answer.ok) {
        tag = (answer.headers.get("ETag") || "").replace(/^W\//, "").replaceAll('"', "");
        const fresh = parse(await answer.text());
        if (whole) show(fresh);
        else take(fresh);
      } else if (answer.status !== 304) throw new Error(String(answer.status));
      failures = 0;
      state(true, words.live);
    } catch {
      failures += 1;
      if (failures > 1) state(false, words.lost);
    }
    return true;
  };
  const beat = async () => {
    const again = document.hidden || (await ask());
    if (again) timer = setTimeout(beat, Math.min(every * 2 ** Math.min(failures, 4), 20000));
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !words.rows) return;
    clearTimeout(timer);
    beat();
  });

  /* Acts stay on the page; a browser that refuses this sends the form as ever. */
  const undo = byId("undo");
  const refused = byId("refused");
  let forget = 0;
  const offerUndo = (text, url) => {
    clearTimeout(forget);
    byId("undo-said").textContent = text;
    byId("undo-button").hidden = !url;
    if (url) undo.action = url;
    undo.hidden = false;
    forget = setTimeout(() => (undo.hidden = true), 10000);
  };
  if (!undo.hidden) forget = setTimeout(() => (undo.hidden = true), 10000);

  const send = async (form) => {
    refused.hidden = true;
    let answer;
    let body = {};
    try {
      answer = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
        credentials: "same-origin",
        redirect: "manual",
      });
      body = await answer.json();
    } catch {
      body = { said: answer && answer.type === "opaqueredirect" ? words.signedOut : words.failed };
    }
    delete form.dataset.sent; // care.js keeps a form from being sent twice
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
    return { ok: Boolean(answer && answer.ok), ...body };
  };
  const tell = (text) => {
    refused.textContent = text;
    refused.hidden = false;
    refused.scrollIntoView({ block: "nearest" });
  };

  list.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.classList.contains("claim") || !words.rows) return;
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "yes";
    select(form.closest("li[data-id]"), false);
    const answer = await send(form);
    if (answer.ok) offerUndo(answer.said, answer.undo);
    else tell(answer.said);
    await ask();
    if (current() && !list.contains(document.activeElement)) select(current());
  });
  undo.addEventListener("submit", async (event) => {
    if (!words.rows) return;
    event.preventDefault();
    const answer = await send(undo);
    undo.hidden = true;
    if (answer.ok) said.textContent = answer.said;
    else tell(answer.said);
    await ask(true);
    if (current()) select(current());
  });

  const dialog = byId("closing");
  const closing = dialog.querySelector("form");
  const finish = (row) => {
    const link = row?.querySelector("a.finish");
    if (!link) return;
    if (!dialog.showModal || !words.rows) return void location.assign(link.href);
    select(row, false);
    if (closing.action !== link.dataset.action) {
      const address = new URL(link.dataset.action, location.href).href;
      if (closing.action !== address) closing.reset();
      closing.action = address;
    }
    byId("closing-fault").hidden = true;
    byId("closing-joined").value = link.dataset.joined; // what came after this moment is not closed unread
    byId("closing-why").textContent = `${row.querySelector("h2").textContent} · ${row.querySelector(".why").textContent}`;
    dialog.showModal();
    closing.querySelector("input[type=radio]").focus();
  };
  list.addEventListener("click", (event) => {
    const link = event.target.closest("a.finish");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !dialog.showModal || !words.rows) return;
    event.preventDefault();
    finish(link.closest("li[data-id]"));
  });
  byId("closing-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => select(current()));
  closing.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (closing.dataset.sent) return;
    closing.dataset.sent = "yes";
    const next = current()?.nextElementSibling || current()?.previousElementSibling;
    const answer = await send(closing);
    if (!answer.ok) {
      byId("closing-fault").textContent = answer.said;
      byId("closing-fault").hidden = false;
      return;
    }
    closing.reset();
    dialog.close();
    await ask(true);
    offerUndo(answer.said, answer.undo);
    select(next && list.querySelector(`li[data-id="${next.dataset.id}"]`));
  });

  /* "More" grows this page as long as it may, so that what is shown stays one list. */
  list.addEventListener("click", async (event) => {
    const more = event.target.closest("#more");
    if (more && "grows" in more.dataset && words.rows) {
      event.preventDefault();
      const last = rowsOf(list).at(-1)?.dataset.id;
      pages += 1;
      await ask(true);
      select(list.querySelector(`li[data-id="${last}"]`)?.nextElementSibling);
    } else if (event.target.closest(".fresh") && held) {
      show(held);
    }
  });

  /* Sound: two short tones, drawn here, so that nothing is loaded. */
  const sound = byId("sound");
  const MUTED = "care.muted";
  let muted = false;
  try {
    muted = localStorage.getItem(MUTED) === "yes";
  } catch {
    /* A browser that keeps nothing keeps the sound on. */
  }
  const showSound = () => {
    sound.setAttribute("aria-pressed", String(!muted));
    sound.textContent = muted ? sound.dataset.off : sound.dataset.on;
  };
  const context = window.AudioContext ? new AudioContext() : null;
  sound.hidden = !context;
  showSound();
  sound.addEventListener("click", () => {
    muted = !muted;
    try {
      localStorage.setItem(MUTED, muted ? "yes" : "no");
    } catch {
      /* It holds as long as the page. */
    }
    showSound();
    if (!muted) tone();
  });
  const tone = async () => {
    if (!context || muted) return;
    await context.resume();
    for (const [start, pitch] of [[0, 880], [0.22, 1175]]) {
      const source = context.createOscillator();
      const volume = context.createGain();
      const at = context.currentTime + start;
      source.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, at);
      volume.gain.exponentialRampToValueAtTime(0.3, at + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.2);
      source.connect(volume).connect(context.destination);
      source.start(at);
      source.stop(at + 0.21);
    }
  };
  const alarm = () => {
    said.textContent = words.stat;
    list.dataset.alarms = Number(list.dataset.alarms || 0) + 1;
    tone();
  };

  /* Keys: one each, none while somebody types, none with a modifier. */
  const keys = byId("keys");
  keys.hidden = false;
  const step = (by) => {
    const rows = rowsOf(list);
    const at = rows.indexOf(current());
    select(rows[Math.min(Math.max(at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by, 0), rows.length - 1)]);
  };
  const press = (row, css) => row?.querySelector(css)?.click();
  const does = {
    j: () => step(1),
    k: () => step(-1),
    c: () => press(current(), "form.claim button"),
    r: () => current()?.dataset.reply && location.assign(current().dataset.reply),
    d: () => finish(current()),
    h: () => press(current(), "a.hand"),
    u: () => !undo.hidden && undo.requestSubmit(),
    n: () => press(list, ".fresh:not([hidden])"),
    "?": () => (keys.open = !keys.open),
    Enter: () => current() && press(current(), "a.open"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog.open) return;
    const target = event.target;
    if (target.matches("input, textarea, select, [contenteditable]")) return;
    if (event.key === "Enter" && target !== document.body && target.id !== "main") return;
    const act = does[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  if (!words.rows) return; // a page behind the first is read as it was asked for
  state(true, words.live);
  timer = setTimeout(beat, every);
})();
