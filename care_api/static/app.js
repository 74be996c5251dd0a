/* The patient's own page: what is asked of me today, my forms, reports, trends and messages. */
import { Offline, call, forgetToken, get, keepToken, newKey, onConnection, signedIn } from "./api.js";
import { h, say } from "./dom.js";
import { Form } from "./form.js";
import { figure } from "./trend.js";
import { LANGUAGES, clock, dayOf, phoneLanguage, setZone, speak, spoken, t, when } from "./words.js";

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const connection = document.getElementById("connection");
const chosen = document.getElementById("language");
const DOORS = ["today", "reports", "trends", "messages", "more"];
let me = null;
let open = null; // the form that is being filled in
let owner = null; // whose form it is
let ended = false; // the session ended while something was going on
let turn = 0;

const title = (words) => h("h1", { tabindex: "-1" }, words);
const show = (...parts) => {
  main.replaceChildren(...parts);
  const heading = main.querySelector("h1");
  document.title = heading ? `${heading.textContent} · ${t("app-name")}` : t("app-name");
  if (heading && turn > 1) heading.focus();
  scrollTo(0, 0);
};
const go = (place) => {
  if (location.hash === `#/${place}`) route();
  else location.hash = `#/${place}`;
};
const backTo = (place) => h("p", {}, h("a", { href: `#/${place}`, class: "back" }, t("back")));

const WRONG = { "task-cancelled": "error-cancelled", "task-not-due": "error-later", "wrong-code": "error-code" };
const wrongWords = (wrong) => {
  if (wrong instanceof Offline) return t("offline-read");
  if (WRONG[wrong.code]) return t(WRONG[wrong.code]);
  if (wrong.status === 429) return t("error-too-many", { minutes: Math.max(1, Math.ceil(wrong.wait / 60)) });
  return t(wrong.status === 404 ? "error-gone" : "error");
};
const failed = (wrong, again = route) => {
  if (wrong.status === 401) return void signIn();
  show(title(t(wrong instanceof Offline ? "page-title" : "error")), h("div", { class: "card" },
    h("p", {}, wrongWords(wrong)), h("p", {}, h("button", { type: "button", class: "button", onclick: again }, t("try-again")))));
};

/* -- signing in ------------------------------------------------------------------------------------------------ */

const signIn = () => {
  ended = ended || Boolean(me);
  forgetToken();
  me = null;
  dress();
  askForNumber();
};

const field = (label, hint, input) => {
  const words = h("p", { class: "hint", id: `${input.id}-hint` }, hint);
  input.setAttribute("aria-describedby", words.id);
  return h("div", { class: "field" }, h("label", { for: input.id }, label), words, input);
};

const sheet = (heading, parts, submit) => {
  const fault = h("p", { class: "fault", role: "alert", hidden: true });
  const form = h("form", { class: "card", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    fault.hidden = true;
    const button = form.querySelector("button");
    button.setAttribute("aria-busy", "true");
    try {
      await submit();
    } catch (wrong) {
      fault.textContent = wrongWords(wrong);
      fault.hidden = false;
    } finally {
      button.removeAttribute("aria-busy");
    }
  } }, fault, ...parts);
  show(title(heading), form);
};

const askForNumber = () => {
  const { channel } = document.body.dataset;
  const demo = channel === "console"; // a demonstration, where nobody has a phone number
  const number = h("input", demo ? { id: "number", type: "text", autocapitalize: "none" } : { id: "number", type: "tel", autocomplete: "tel", inputmode: "tel" });
  const address = () => ({ channel, address: demo ? number.value.trim() : number.value.replace(/[\s().-]/g, "") });
  const next = (sent) => askForCode(address(), sent);
  sheet(t("sign-in-title"), [
    ended ? h("p", { class: "notice" }, t("sign-in-ended")) : null,
    h("p", { class: "quiet" }, t("sign-in-why")),
    field(t("sign-in-phone"), t(demo ? "sign-in-demo" : "sign-in-phone-hint"), number),
    h("button", { class: "button wide" }, t("sign-in-send")),
    h("p", { class: "after" }, h("button", { type: "button", class: "link", onclick: () => (number.value.trim() ? next(false) : number.focus()) }, t("sign-in-have-code"))),
  ].filter(Boolean), async () => {
    if (!number.value.trim()) return void number.focus();
    await call("POST", "/sign-in/codes", { body: address() });
    next(true);
  });
};

const askForCode = (address, sent) => {
  const code = h("input", { id: "code", type: "text", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 12, class: "code-field" });
  const stay = h("input", { id: "stay", type: "checkbox" });
  sheet(t("sign-in-title"), [
    sent ? h("p", { class: "notice", role: "status" }, t("sign-in-sent")) : null,
    field(t("sign-in-code"), t("sign-in-code-hint"), code),
    h("div", { class: "pick" }, stay, h("div", {}, h("label", { for: "stay" }, t("sign-in-stay")), h("p", { class: "hint" }, t("sign-in-stay-hint")))),
    h("button", { class: "button wide" }, t("sign-in-go")),
    h("p", { class: "after" }, h("button", { type: "button", class: "link", onclick: askForNumber }, t("sign-in-other-number"))),
  ].filter(Boolean), async () => {
    if (!code.value.trim()) return void code.focus();
    const answer = await call("POST", "/sign-in/tokens", { body: { ...address, code: code.value.trim() } });
    keepToken(answer.token, stay.checked);
    ended = false;
    await known(true);
    route();
  });
  code.focus();
};

const known = async (fresh) => {
  me = await call("GET", "/me");
  setZone(me.time_zone);
  if (owner !== me.id) open = null; // somebody else has the phone now
  owner = me.id;
  if (fresh && LANGUAGES.includes(me.language) && me.language !== spoken()) await speak(me.language);
  dress();
};

/* -- today ----------------------------------------------------------------------------------------------------- */

const today = async () => {
  const { tasks } = await get("/me/tasks");
  const due = tasks.filter((task) => ["ready", "in-progress"].includes(task.status));
  const now = due.filter((task) => task.answerable);
  const later = due.filter((task) => !task.answerable);
  const done = tasks.filter((task) => task.status === "completed");
  const missed = tasks.filter((task) => task.status === "failed");
  const button = (task) => h("li", {}, h("a", { class: "task", href: `#/task/${task.id}` },
    h("strong", {}, task.title), h("span", { class: "quiet" }, task.begun ? t("today-begun") : t("today-until", { time: until(task) }))));
  const rest = (task, words) => h("li", { class: "row-quiet" }, h("span", {}, task.title), h("span", { class: "quiet" }, words));
  const parts = [title(t("today-title"))];
  if (now.length) parts.push(h("ul", { class: "tasks" }, now.map(button)));
  else parts.push(h("div", { class: "card" }, h("p", { class: "big" }, t("today-nothing")), h("p", { class: "quiet" }, t("today-nothing-next"))));
  const list = (heading, tasks, words) => tasks.length && parts.push(h("section", {}, h("h2", {}, t(heading)), h("ul", { class: "card list" }, tasks.map(words))));
  list("today-later", later, (task) => rest(task, t("today-from", { time: clock(task.answer_from) })));
  list("today-done", [...done, ...missed], (task) => task.status === "failed" ? rest(task, t("status-failed"))
    : h("li", { class: "row-quiet" }, h("span", {}, "✓ ", task.title), h("a", { href: `#/task/${task.id}` }, t("today-change"))));
  return parts;
};

const until = (task) => (dayOf(task.expires_at) === dayOf(Date.now()) ? clock(task.expires_at) : when(task.expires_at));

const task = async (id) => {
  if (!open || open.task !== id || open.language !== spoken()) {
    const unsaved = open && open.task === id ? open.keep() : true;
    await unsaved;
    const made = new Form(id, { sent: thanks, signIn, failed, call: callButton });
    made.language = spoken();
    await made.open();
    open = made;
  }
  if (open.dirty) open.keep();
  return [open.root];
};

const thanks = (answer) => {
  open = null;
  const parts = [title(t("form-thanks"))];
  if (answer.advice) parts.push(h("div", { class: "advice", role: "alert" }, h("h2", {}, t("form-advice-title")), h("p", {}, answer.advice), callButton()));
  parts.push(h("div", { class: "card" }, h("p", {}, t("form-thanks-next")),
    h("p", {}, h("a", { class: "button wide", href: "#/today" }, t("form-done"))),
    h("p", { class: "after" }, h("a", { href: `#/report/${answer.id}` }, t("form-see-report")))));
  history.replaceState(null, "", "#/sent");
  show(...parts);
  main.querySelector("h1").focus();
};

const callButton = () => h("p", {}, h("a", { class: "button call", href: `tel:${number()}` }, t("more-call", { number: number() })));
const number = () => (me ? me.emergency_number : document.body.dataset.emergency);

/* -- reports, trends ------------------------------------------------------------------------------------------- */

const STATUS = { amended: "report-amended", stopped: "report-stopped", "in-progress": "report-stopped" };

const reports = async () => {
  const list = h("ul", { class: "card list" });
  const more = h("button", { type: "button", class: "button second wide" }, t("reports-more"));
  const page = async (cursor) => {
    const found = await get("/me/reports", { cursor });
    list.append(...found.reports.map((report) => h("li", {}, h("a", { class: "line", href: `#/report/${report.id}` },
      h("strong", {}, report.title || t("page-title")), h("span", { class: "quiet" }, [when(report.authored_at), STATUS[report.status] && t(STATUS[report.status])].filter(Boolean).join(" · "))))));
    more.hidden = !found.next;
    more.onclick = () => page(found.next).catch((wrong) => failed(wrong));
  };
  await page("");
  return [title(t("reports-title")), list.children.length ? list : h("div", { class: "card" }, h("p", {}, t("reports-none"))), more];
};

const report = async (id) => {
  const found = await get("/me/reports/words", { report: id });
  const lines = [];
  for (const line of found.lines) {
    if (line.answers.length) lines.push(h("div", { class: "told" }, h("dt", {}, line.text), line.answers.map((answer) => h("dd", {}, answer))));
    else lines.push(h("div", { class: "told" }, h("dt", { class: "heading" }, line.text), h("dd", {})));
  }
  return [backTo("reports"), title(found.title || t("reports-title")), h("p", { class: "quiet" }, t("report-when", { when: when(found.authored_at) })),
    h("div", { class: "card" }, lines.length ? h("dl", {}, lines) : h("p", {}, t("report-no-answers")))];
};

const trends = async () => {
  const { trends: found } = await get("/me/trends");
  return [title(t("trends-title")), h("p", { class: "quiet" }, t("trends-about")),
    ...(found.length ? found.map(figure) : [h("div", { class: "card" }, h("p", {}, t("trends-none")))])];
};

/* -- messages -------------------------------------------------------------------------------------------------- */

const bubble = (message) => {
  const mine = message.direction === "in";
  return h("li", { class: `bubble ${mine ? "from-us" : "from-patient"}` }, h("p", {}, message.text),
    h("div", { class: "meta" }, h("span", {}, t(mine ? "messages-from-me" : "messages-from-us")), h("time", { datetime: message.at }, when(message.at))));
};

const messages = async () => {
  const list = h("ol", { class: "talk-own" });
  const more = h("button", { type: "button", class: "button second wide" }, t("messages-older"));
  const page = async (cursor) => {
    const found = await get("/me/messages", { cursor });
    list.prepend(...found.messages.map(bubble).reverse());
    more.hidden = !found.next;
    more.onclick = () => page(found.next).catch((wrong) => failed(wrong));
  };
  await page("");
  const text = h("textarea", { id: "letter", rows: 3, maxlength: 2000, "aria-describedby": "letter-hint" });
  const state = h("p", { class: "state", role: "status" });
  const advice = h("div", { class: "advice", role: "alert", hidden: true });
  let [key, sent] = [newKey(), ""];
  const write = h("form", { class: "card", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (!text.value.trim()) {
      state.textContent = t("messages-empty");
      return void text.focus();
    }
    const words = text.value.trim();
    if (sent !== words) [sent, key] = [words, newKey()]; // tried again as it is, it is one message
    try {
      const answer = await call("POST", "/me/messages", { body: { text: words }, key });
      list.append(bubble({ direction: "in", text: words, at: new Date().toISOString() }));
      none.hidden = true;
      text.value = "";
      sent = "";
      state.textContent = t("messages-sent");
      if (answer.advice) {
        advice.replaceChildren(h("h2", {}, t("form-advice-title")), h("p", {}, answer.advice), callButton());
        advice.hidden = false;
      }
    } catch (wrong) {
      if (wrong.status === 401) return void signIn();
      state.textContent = wrong instanceof Offline ? t("offline") : wrongWords(wrong);
    }
  } }, h("label", { for: "letter" }, t("messages-write")), h("p", { class: "hint", id: "letter-hint" }, t("messages-write-hint")), text,
    h("button", { class: "button wide" }, t("messages-send")), state);
  const none = h("div", { class: "card" }, h("p", {}, t("messages-none")));
  none.hidden = list.children.length > 0;
  return [title(t("messages-title")), more, none, list, advice, write];
};

/* -- help ------------------------------------------------------------------------------------------------------ */

const more = async () => {
  const stop = h("div", {});
  const ask = () => stop.replaceChildren(h("p", {}, t("more-stop-sure")), h("div", { class: "acts" },
    h("button", { type: "button", class: "button", onclick: sure }, t("more-stop-yes")),
    h("button", { type: "button", class: "button second", onclick: rest }, t("more-stop-no"))));
  const rest = () => stop.replaceChildren(h("button", { type: "button", class: "button second wide", onclick: ask }, t("more-stop-button")));
  const key = newKey();
  const sure = async () => {
    try {
      await call("POST", "/me/messages", { body: { text: t("stop-word") }, key });
      stop.replaceChildren(h("p", { role: "status" }, t("more-stopped")));
      say(t("more-stopped"));
    } catch (wrong) {
      failed(wrong);
    }
  };
  rest();
  const out = async () => {
    await call("DELETE", "/sign-in/tokens").catch(() => null);
    open = null;
    ended = false;
    me = null;
    forgetToken();
    dress();
    askForNumber();
  };
  const card = (heading, ...parts) => h("section", { class: "card" }, h("h2", {}, t(heading)), ...parts);
  return [title(t("more-title")),
    card("more-emergency", h("p", {}, t("more-emergency-text", { number: number() })), callButton(), me.crisis_line ? h("p", {}, t("more-crisis", { number: me.crisis_line })) : ""),
    card("more-stop", h("p", {}, t("more-stop-text")), stop),
    card("more-privacy", h("p", {}, t("more-privacy-text"))),
    card("more-phone", h("p", {}, t("more-phone-text"))),
    h("div", { class: "card" }, h("p", {}, t("signed-in-as", { name: me.name })), h("button", { type: "button", class: "button second wide", onclick: out }, t("sign-out")))];
};

/* -- where we are ---------------------------------------------------------------------------------------------- */

const VIEWS = { today, task, reports, report, trends, messages, more };
const ABOVE = { task: "today", report: "reports", sent: "today" };

const dress = () => {
  document.getElementById("skip").textContent = t("skip-to-content");
  document.getElementById("language-label").textContent = t("language");
  document.getElementById("brand").lastElementChild.textContent = t("app-name");
  nav.setAttribute("aria-label", t("nav-label"));
  chosen.value = spoken();
  const emergency = document.getElementById("emergency");
  emergency.href = `tel:${number()}`;
  emergency.textContent = t("emergency-line", { number: number() });
  nav.hidden = !me;
  const here = location.hash.split("/")[1] || "today";
  nav.replaceChildren(...DOORS.map((door) => h("a", { href: `#/${door}`, "aria-current": door === (ABOVE[here] || here) ? "page" : null }, t(`nav-${door}`))));
};

const route = async () => {
  const mine = (turn += 1);
  const [, place = "today", id] = location.hash.split("/");
  if (place === "sent" && turn > 1) return void dress();
  const view = VIEWS[place] || today;
  if (!signedIn()) return void signIn();
  const slow = setTimeout(() => mine === turn && main.replaceChildren(h("p", { class: "quiet" }, t("loading"))), 500);
  try {
    if (!me) await known(false);
    dress();
    const parts = await view(id);
    if (mine === turn) show(...parts); // a view that took longer than the one after it comes too late
  } catch (wrong) {
    if (wrong instanceof Offline || wrong.status) {
      if (mine === turn) failed(wrong);
    } else throw wrong;
  } finally {
    clearTimeout(slow);
  }
};

const start = async () => {
  const kept = sessionStorage.getItem("care-language");
  await speak(LANGUAGES.includes(kept) ? kept : phoneLanguage());
  if (signedIn() && !kept) await known(true).catch(() => null);
  dress();
  addEventListener("hashchange", route);
  chosen.addEventListener("change", async () => {
    sessionStorage.setItem("care-language", chosen.value);
    await speak(chosen.value);
    dress();
    route();
  });
  const offline = (there) => {
    connection.textContent = there ? "" : t("offline");
    connection.hidden = there;
  };
  onConnection(offline);
  addEventListener("offline", () => offline(false));
  addEventListener("online", () => {
    offline(true);
    say(t("online-again"));
  });
  if ("serviceWorker" in navigator) navigator.serviceWorker.register(document.body.dataset.worker, { scope: "/me" }).catch(() => null);
  route();
};

start();
