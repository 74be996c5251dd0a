/* A task's form: one page that follows the answers. What is filled in is kept by the hospital as one goes along. */
import { Offline, call, newKey, onConnection } from "./api.js";
import { arrange, h, id, say } from "./dom.js";
import { control, hints, inWords } from "./fields.js";
import { clock, knows, spoken, t } from "./words.js";

const QUIET = 1500; // milliseconds after the last key before what is typed is kept

const problemWords = (problem) => {
  const key = `problem-${problem.code}`;
  return t(knows(key) ? key : "problem-other");
};

/* One question: its text, how to answer, its control, what is wrong. */
class Question {
  constructor(form, node, unread) {
    this.form = form;
    this.id = id("question");
    this.fault = h("p", { class: "fault", id: `${this.id}-fault`, hidden: true });
    this.text = h("span", { class: "words" });
    this.needed = h("span", { class: "needed" }, t("form-required"));
    this.hint = h("p", { class: "hint", id: `${this.id}-hint` });
    this.inside = h("div", { class: "inside" });
    this.written = h("p", { class: "written" });
    this.control = node.readOnly ? null : control(node, (how) => form.changed(this, how));
    const group = this.control && this.control.group;
    this.label = this.control && !group ? h("label", { id: `${this.id}-label` }) : h(group ? "legend" : "p", { class: "label" });
    this.label.append(this.text, " ", this.needed);
    const body = this.control ? this.control.root : this.written;
    this.root = h(group ? "fieldset" : "div", { class: "question", id: this.id }, this.label, this.hint, this.fault, body, this.inside);
    if (this.control) {
      this.control.set(unread || node.values || []);
      if (!group) {
        const input = this.control.inputs[0];
        input.id = `${this.id}-input`;
        this.label.htmlFor = input.id;
      }
    }
    this.update(node);
  }

  update(node) {
    this.node = node;
    this.text.textContent = [node.prefix, node.text].filter(Boolean).join(" ");
    this.needed.hidden = !node.required || node.readOnly;
    const notes = node.readOnly || !this.control ? [this.control || node.readOnly ? t("form-filled") : t("form-by-staff")] : hints(node);
    this.hint.textContent = notes.join(" · ");
    this.hint.hidden = !notes.length;
    if (this.control) this.control.update(node);
    else this.written.textContent = inWords(node) || "–";
    this.form.sync(this.inside, node.items || (node.instances || []).flatMap((one) => one.items));
    this.inside.hidden = !this.inside.children.length;
    this.tell(node.problems);
  }

  /* What is wrong stands with the question, but not while somebody is still typing there. */
  tell(problems = []) {
    const typing = this.root.contains(document.activeElement) && /^(text|textarea)$/.test(document.activeElement.type || "");
    if (problems.length && typing && this.form.gentle) return;
    this.fault.textContent = problems.map(problemWords).filter((words, place, all) => all.indexOf(words) === place).join(" ");
    this.fault.hidden = !problems.length;
    this.root.classList.toggle("wrong", problems.length > 0);
    for (const input of this.control ? this.control.inputs : []) {
      input.setAttribute("aria-describedby", `${this.hint.id} ${this.fault.id}`);
      if (problems.length) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  focus() {
    const first = this.control && this.control.inputs[0];
    if (first) first.focus();
    this.root.scrollIntoView({ block: "center" });
  }

  values(light) {
    if (!this.control) return null;
    return light && this.control.light ? this.control.light() : this.control.get();
  }
}

/* A heading with what stands below it; one that repeats has an instance each time, and buttons. */
class Group {
  constructor(form, node) {
    this.form = form;
    this.boxes = [];
    this.heading = h("h2");
    this.note = h("p", { class: "hint" });
    this.body = h("div", { class: "inside" });
    this.add = h("button", { type: "button", class: "button second", onclick: () => this.more() });
    this.root = h("section", { class: "group" }, this.heading, this.note, this.body, this.add);
    this.update(node);
  }

  update(node) {
    this.node = node;
    this.heading.textContent = [node.prefix, node.text].filter(Boolean).join(" ");
    this.heading.hidden = !this.heading.textContent;
    this.note.textContent = node.help || "";
    this.note.hidden = !node.help;
    this.count = node.instances ? node.instances.length : 0;
    if (this.count >= this.wanted) this.wanted = undefined; // an answer to an earlier saving does not know it yet
    this.add.hidden = !node.addable;
    this.add.textContent = t(this.count ? "form-add" : "form-add-first", { what: node.text });
    if (!node.instances) return void this.form.sync(this.body, node.items || []);
    while (this.boxes.length < this.count) this.boxes.push(this.box(this.boxes.length));
    this.boxes.length = this.count;
    arrange(this.body, this.boxes.map((box) => box.root));
    node.instances.forEach((instance, place) => {
      const box = this.boxes[place];
      this.form.sync(box.body, instance.items);
      box.remove.hidden = !instance.removable;
    });
  }

  box(place) {
    const what = `${this.node.text} ${place + 1}`;
    const body = h("div", { class: "inside" });
    const remove = h("button", { type: "button", class: "link", onclick: () => this.less(place, what) }, t("form-remove", { what }));
    return { body, remove, root: h("fieldset", { class: "instance" }, h("legend", {}, what), body, remove) };
  }

  async more() {
    const wanted = (this.wanted = (this.wanted || this.count) + 1);
    await this.form.keep();
    const box = this.boxes[wanted - 1];
    const first = box && box.body.querySelector("input, select, textarea");
    if (first) first.focus();
  }

  async less(place, what) {
    if (await this.form.keep({ place: this.node.place, instance: place })) {
      say(t("form-removed", { what }));
      this.add.focus();
    }
  }

  tell() {}
  values() {
    return this.node.instances ? [this.wanted || this.count] : null;
  }
}

class Display {
  constructor(form, node) {
    this.root = h("p", { class: "display" });
    this.update(node);
  }

  update(node) {
    this.node = node;
    this.root.textContent = node.text;
    this.root.hidden = !node.text;
  }

  tell() {}
  values() {
    return null;
  }
}

/** The form of one task. It outlives a sign-in, so that nothing that was typed is lost with a session. */
export class Form {
  constructor(task, done) {
    this.task = task;
    this.done = done;
    this.parts = new Map();
    this.dirty = false;
    this.gentle = true;
    this.saving = Promise.resolve();
    this.root = h("div", { class: "form" });
    onConnection((there) => {
      if (there && this.dirty && this.waiting && this.root.isConnected) this.keep();
    });
    addEventListener("online", () => this.dirty && this.root.isConnected && this.keep());
    addEventListener("beforeunload", (event) => this.dirty && this.root.isConnected && event.preventDefault());
  }

  async open() {
    const opened = await call("GET", "/me/form", { query: { task: this.task, language: spoken() } });
    this.parts.clear();
    this.unread = opened.unread || {};
    this.heading = h("h1", { tabindex: "-1" });
    this.summary = h("div", { class: "summary notice warning", tabindex: "-1", hidden: true });
    this.bar = h("progress", { max: 1, value: 0 });
    this.far = h("p", { class: "quiet" });
    this.body = h("div", { class: "inside" });
    this.state = h("p", { class: "state quiet", role: "status" });
    this.advice = h("div", { class: "advice", role: "alert", hidden: true });
    this.send = h("button", { type: "submit", class: "button wide" }, t("form-send"));
    const form = h("form", { novalidate: true, autocomplete: "off", onsubmit: (event) => {
      event.preventDefault();
      this.submit();
    } }, this.body, this.advice, h("div", { class: "end" }, this.send, this.state));
    arrange(this.root, [
      h("p", {}, h("a", { href: "#/today", class: "back" }, t("back"))),
      this.heading, h("div", { class: "far" }, this.bar, this.far), h("p", { class: "hint" }, t("form-required-note")), this.summary, form,
    ]);
    this.bar.setAttribute("aria-label", t("form-of", { done: "", of: "" }));
    this.draw(opened.form);
    this.warn(opened.advice);
    this.told(opened.saved_at);
    return this;
  }

  /* Words of danger are answered before anything is sent. */
  warn(advice) {
    if (advice && advice !== this.warned) this.advice.replaceChildren(h("h2", {}, t("form-advice-title")), h("p", {}, advice), this.done.call());
    this.advice.hidden = !advice;
    this.warned = advice;
  }

  draw(form) {
    this.heading.textContent = form.title;
    this.bar.max = Math.max(form.progress.of, 1);
    this.bar.value = form.progress.done;
    const far = t("form-of", form.progress);
    this.far.textContent = far;
    this.bar.setAttribute("aria-label", far);
    this.sync(this.body, form.items);
  }

  sync(box, nodes) {
    arrange(box, nodes.map((node) => {
      const part = this.parts.get(node.place);
      if (part && part.node.type === node.type && Boolean(part.node.readOnly) === Boolean(node.readOnly)) {
        part.update(node);
        return part.root;
      }
      const kind = node.type === "group" ? Group : node.type === "display" ? Display : Question;
      const made = new kind(this, node, this.unread[node.place]);
      this.parts.set(node.place, made);
      return made.root;
    }));
  }

  changed(part, how) {
    this.dirty = true;
    if (part.node.instances && how === "done") this.moved = part.node.place; // what stands below goes with its answer
    this.state.textContent = t("form-unsaved");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), how === "done" ? 0 : QUIET);
  }

  answers(light) {
    const found = {};
    for (const [place, part] of this.parts) {
      const values = part.values(light);
      if (values !== null) found[place] = values;
    }
    return found;
  }

  /* One after the other; what has changed since goes with the next one. True when it is kept. */
  keep(remove) {
    clearTimeout(this.timer);
    if (this.over) return Promise.resolve(false);
    this.dirty = true;
    this.saving = this.saving.then(() => (this.dirty || remove ? this.put(remove) : true));
    return this.saving;
  }

  async put(remove) {
    this.dirty = false;
    this.waiting = false;
    this.state.textContent = t("form-saving");
    try {
      const body = { answers: this.answers(true), ...(remove ? { remove } : {}) };
      const kept = await call("PUT", "/me/form", { query: { task: this.task, language: spoken() }, body });
      const anew = remove ? remove.place : this.moved;
      if (anew) this.forget(anew);
      this.moved = null;
      this.unread = anew ? kept.unread || {} : {};
      this.draw(kept.form);
      this.warn(kept.advice);
      this.told(kept.saved_at);
      return true;
    } catch (wrong) {
      this.dirty = true;
      this.state.textContent = t(wrong instanceof Offline ? "offline" : "form-unsaved");
      this.waiting = wrong instanceof Offline;
      if (this.waiting) setTimeout(() => this.waiting && this.dirty && this.root.isConnected && this.keep(), 10_000);
      else if (wrong.status === 401) this.done.signIn();
      else if (wrong.status !== 422) this.done.failed(wrong);
      return false;
    }
  }

  /* The instances behind one that was taken away are others now: they are drawn anew. */
  forget(place) {
    const gone = (node) => {
      for (const below of [...(node.items || []), ...(node.instances || []).flatMap((one) => one.items)]) {
        this.parts.delete(below.place);
        gone(below);
      }
    };
    const part = this.parts.get(place);
    gone(part.node);
    if (part.boxes) {
      part.boxes.length = 0;
      part.wanted = undefined;
    }
  }

  told(at) {
    if (!this.dirty) this.state.textContent = at ? t("form-saved", { time: clock(at) }) : "";
  }

  async submit() {
    clearTimeout(this.timer);
    this.send.setAttribute("aria-busy", "true");
    this.state.textContent = t("form-sending");
    await this.saving;
    const body = { answers: this.answers(false) };
    const same = JSON.stringify(body);
    if (this.sent !== same) [this.sent, this.key] = [same, newKey()]; // tried again as it is, it is one report
    try {
      const answer = await call("POST", "/me/form", { query: { task: this.task }, body, key: this.key });
      this.dirty = false;
      this.over = true;
      this.done.sent(answer);
    } catch (wrong) {
      this.state.textContent = t(wrong instanceof Offline ? "offline" : "form-unsaved");
      if (wrong.status === 401) this.done.signIn();
      else if (wrong.status === 422) this.refused(wrong);
      else if (!(wrong instanceof Offline)) this.done.failed(wrong);
    } finally {
      this.send.removeAttribute("aria-busy");
    }
  }

  refused(wrong) {
    const errors = wrong.errors.length ? wrong.errors : [{ place: wrong.place, code: wrong.code }];
    const byPlace = new Map();
    for (const error of errors) {
      const place = error.place || error.linkId || "";
      byPlace.set(place, [...(byPlace.get(place) || []), error]);
    }
    this.gentle = false;
    const items = [];
    for (const [place, part] of this.parts) {
      const found = byPlace.get(place);
      part.tell(found);
      if (!found || !part.root.isConnected) continue;
      items.push(h("li", {}, h("button", { type: "button", class: "link", onclick: () => part.focus() }, part.node.text)));
      byPlace.delete(place);
    }
    for (const found of byPlace.values()) items.push(h("li", {}, problemWords(found[0])));
    this.gentle = true;
    this.state.textContent = "";
    this.summary.replaceChildren(h("div", {}, h("h2", {}, t("form-problems")), h("ul", {}, items)));
    this.summary.hidden = false;
    this.summary.focus();
  }
}
