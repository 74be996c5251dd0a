/* The controls of a form: one for each kind of question. Each has `root`, `set(values)`, `get()` and `update(node)`. */
import { arrange, h, id } from "./dom.js";
import { readFile, SIZE } from "./files.js";
import { number, t, wall } from "./words.js";

const bare = (value) => {
  if (value === null || typeof value !== "object") return value;
  const names = Object.keys(value);
  return names.length === 1 && names[0].startsWith("value") && names[0] !== "value" ? value[names[0]] : value;
};

const limits = (node) => {
  const unit = node.units && node.units.length ? node.units[0].text : node.unitText || "";
  const [min, max] = [node.min, node.max].map((end) => (typeof end === "number" ? number(end) : end));
  if (min !== undefined && max !== undefined) return t("form-range", { min, max, unit });
  if (min !== undefined) return t("form-at-least", { min, unit });
  return max === undefined ? "" : t("form-at-most", { max, unit });
};

/* A line to write on. */
const line = (type, more = {}) => (node, change) => {
  const root = h("input", { type, ...more, oninput: () => change("typing"), onchange: () => change("done") });
  if (node.maxLength) root.maxLength = node.maxLength;
  if (type === "date") {
    if (node.min) root.min = node.min;
    if (node.max) root.max = node.max;
  }
  return {
    root, inputs: [root],
    set: ([value]) => (root.value = value === undefined ? "" : String(bare(value))),
    get: () => (root.value.trim() ? [root.value] : []),
    update: () => {},
  };
};

const lines = (node, change) => {
  const root = h("textarea", { rows: 3, oninput: () => change("typing"), onchange: () => change("done") });
  if (node.maxLength) root.maxLength = node.maxLength;
  return {
    root, inputs: [root],
    set: ([value]) => (root.value = value === undefined ? "" : String(bare(value))),
    get: () => (root.value.trim() ? [root.value] : []),
    update: () => {},
  };
};

const dateTime = (node, change) => {
  const made = line("datetime-local")(node, change);
  made.set = ([value]) => {
    const text = value === undefined ? "" : String(bare(value));
    made.root.value = /[Z+-][0-9:]*$/.test(text.slice(16)) ? wall(text) : text.slice(0, 16);
  };
  return made;
};

const time = (node, change) => {
  const made = line("time")(node, change);
  made.set = ([value]) => (made.root.value = value === undefined ? "" : String(bare(value)).slice(0, 5));
  return made;
};

/* A number, with its unit and where the form wants it a slider. */
const numeric = (node, change) => {
  const quantity = node.type === "quantity";
  const input = h("input", {
    type: "text", inputmode: node.type === "integer" ? "numeric" : "decimal", autocomplete: "off", class: "short",
    oninput: () => {
      follow();
      change("typing");
    },
    onchange: () => change("done"),
  });
  const slid = node.control === "slider";
  const slider = slid
    ? h("input", {
        type: "range", min: node.min, max: node.max, step: node.step || (node.type === "integer" ? 1 : "any"), "aria-label": node.text,
        oninput: () => {
          input.value = number(slider.value);
          follow();
          change("typing");
        },
        onchange: () => change("done"),
      })
    : null;
  const units = node.units || [];
  const choose = quantity && units.length > 1
    ? h("select", { class: "unit", "aria-label": t("form-unit"), onchange: () => change("done") },
        units.map((unit) => h("option", { value: unit.code }, unit.text)))
    : null;
  const only = choose ? null : h("span", { class: "unit" }, units.length ? units[0].text : node.unitText || "");
  const scale = slider && (node.lower || node.upper)
    ? h("div", { class: "ends" }, h("span", {}, node.lower || ""), h("span", {}, node.upper || ""))
    : null;
  const root = h("div", { class: slid ? "slid" : "number" }, slider, scale, h("div", { class: "number" }, input, choose || only));
  let code = units.length ? units[0].code : "";
  /* A slider that nobody has moved stands in the middle, pale: it is no answer, and its number is empty. */
  const follow = () => {
    if (!slider) return;
    slider.value = input.value.trim() ? input.value : (Number(node.min) + Number(node.max)) / 2;
    slider.classList.toggle("unset", !input.value.trim());
  };
  return {
    root, inputs: [input, slider].filter(Boolean),
    set: ([value]) => {
      const plain = value === undefined ? "" : bare(value);
      const amount = plain && typeof plain === "object" ? plain.value : plain;
      input.value = amount === undefined || amount === "" ? "" : typeof amount === "number" ? number(amount) : amount;
      follow();
      if (plain && typeof plain === "object" && (plain.code || plain.unit)) code = plain.code || plain.unit;
      if (choose) choose.value = code;
    },
    get: () => {
      if (!input.value.trim()) return [];
      return [quantity ? { value: input.value, unit: choose ? choose.value : code } : input.value];
    },
    update: () => {},
  };
};

/* Yes or no; one of several; several at once. A text of one's own where the form takes one. */
const picks = (several) => (node, change) => {
  const name = id("pick");
  const root = h("div", { class: several ? "picks" : "picks one" });
  const yesNo = node.type === "boolean";
  const rows = new Map();
  let other = null;
  const cleared = several ? null : h("button", { type: "button", class: "link", onclick: () => {
    for (const { input } of rows.values()) input.checked = false;
    if (other) other.input.checked = false;
    clear();
    change("done");
  } }, t("form-clear"));
  const clear = () => {
    if (cleared) cleared.hidden = node.required || ![...rows.values(), other].some((row) => row && row.input.checked);
    if (other) other.text.hidden = !other.input.checked;
  };
  const pick = (row) => {
    if (several && row.input.checked) {
      for (const each of [...rows.values(), other].filter(Boolean)) {
        if (each !== row && (row.exclusive || each.exclusive)) each.input.checked = false;
      }
    }
    clear();
    if (other && row === other && other.input.checked) other.text.focus();
    change("done");
  };
  const make = (words, value, exclusive) => {
    const input = h("input", { type: several ? "checkbox" : "radio", name, value, id: id("option") });
    const row = { input, exclusive, root: h("label", { class: "pick", for: input.id }, input, h("span", {}, words)) };
    input.addEventListener("change", () => pick(row));
    return row;
  };
  const options = () => yesNo
    ? [{ key: "true", text: t("form-yes") }, { key: "false", text: t("form-no") }]
    : node.options || [];
  const update = (next) => {
    node = next;
    const wanted = options().map((option) => {
      let row = rows.get(option.key);
      if (!row) rows.set(option.key, (row = make(option.prefix ? `${option.prefix} ${option.text}` : option.text, option.key, option.exclusive)));
      return row.root;
    });
    for (const [key, row] of rows) if (!wanted.includes(row.root)) rows.delete(key);
    if (node.open && !other) {
      other = make(t("form-other"), "other", false);
      other.text = h("input", { type: "text", class: "other", hidden: true, "aria-label": t("form-other-text"), oninput: () => change("typing"), onchange: () => change("done") });
    }
    arrange(root, [...wanted, ...(other ? [other.root, other.text] : []), ...(cleared ? [cleared] : [])]);
    clear();
  };
  update(node);
  return {
    root, update, group: true,
    get inputs() { return [...rows.values()].map((row) => row.input); },
    set: (values) => {
      for (const row of rows.values()) row.input.checked = false;
      for (const option of node.options || []) if (option.selected) rows.get(option.key).input.checked = true;
      for (const value of values.map(bare)) {
        if (typeof value === "object") continue; // a coding: its option says that it is selected
        if (rows.has(String(value))) rows.get(String(value)).input.checked = true;
        else if (other) {
          other.input.checked = true;
          other.text.value = value;
        }
      }
      clear();
    },
    get: () => {
      const found = [...rows.entries()].filter(([, row]) => row.input.checked).map(([key]) => (yesNo ? key === "true" : key));
      if (other && other.input.checked && other.text.value.trim()) found.push(other.text.value.trim());
      return found;
    },
  };
};

const dropDown = (node, change) => {
  let drawn = null;
  const other = node.open ? h("input", { type: "text", class: "other", hidden: true, "aria-label": t("form-other-text"), oninput: () => change("typing"), onchange: () => change("done") }) : null;
  const select = h("select", { onchange: () => {
    if (other) other.hidden = select.value !== "other";
    change("done");
  } });
  const update = (next) => {
    node = next;
    const now = JSON.stringify((node.options || []).map((option) => [option.key, option.text]));
    if (now === drawn) return; // an open list would close
    drawn = now;
    const before = select.value;
    select.replaceChildren(
      h("option", { value: "" }, t("form-choose")),
      ...(node.options || []).map((option) => h("option", { value: option.key }, option.prefix ? `${option.prefix} ${option.text}` : option.text)),
      ...(other ? [h("option", { value: "other" }, t("form-other"))] : []),
    );
    select.value = before;
    if (select.selectedIndex < 0) select.value = "";
  };
  update(node);
  return {
    root: h("div", { class: "picks" }, select, other), inputs: [select], update,
    set: ([value]) => {
      const chosen = (node.options || []).find((option) => option.selected);
      const plain = value === undefined ? "" : bare(value);
      const key = chosen ? chosen.key : typeof plain === "string" ? plain : "";
      select.value = key;
      if (select.value !== key && other && key) {
        select.value = "other";
        other.value = key;
        other.hidden = false;
      }
    },
    get: () => {
      if (select.value === "other" && other) return other.value.trim() ? [other.value.trim()] : [];
      return select.value ? [select.value] : [];
    },
  };
};

/* A photo or a file. Photos are made smaller here, which also takes away where they were taken. */
const file = (node, change) => {
  let kept = [];
  const fault = h("p", { class: "fault", hidden: true });
  const list = h("ul", { class: "files" });
  const input = h("input", { type: "file", accept: "image/*,application/pdf", multiple: node.repeats, class: "unseen" });
  const button = h("label", { class: "button second" }, t("form-file"));
  const show = () => {
    list.replaceChildren(...kept.map((one, place) => h("li", {},
      one.preview ? h("img", { src: one.preview, alt: "" }) : null,
      h("span", {}, one.title || one.contentType),
      h("button", { type: "button", class: "link", onclick: () => {
        kept = kept.filter((_, at) => at !== place);
        show();
        change("done");
      } }, t("form-remove", { what: one.title || "" })))));
  };
  input.addEventListener("change", async () => {
    fault.hidden = true;
    for (const chosen of input.files) {
      try {
        const read = await readFile(chosen);
        kept = node.repeats ? [...kept, read] : [read];
      } catch (wrong) {
        fault.textContent = t(wrong.message === "large" ? "form-file-large" : "form-file-kind", { size: SIZE });
        fault.hidden = false;
      }
    }
    input.value = "";
    show();
    change("done");
  });
  return {
    root: h("div", { class: "several" }, input, button, h("p", { class: "hint" }, t("form-file-note", { size: SIZE })), fault, list), inputs: [input],
    set: (values) => {
      kept = values.map(bare);
      show();
    },
    get: () => kept.map(({ title, contentType, data }) => ({ title, contentType, ...(data ? { data } : {}) })),
    light: () => kept.map(({ title, contentType }) => ({ title, contentType })),
    update: () => (button.htmlFor = input.id),
  };
};

const MAKERS = {
  "yes-no": picks(false), "radio-button": picks(false), "check-box": picks(true), "drop-down": dropDown,
  number: numeric, slider: numeric, line: line("text"), lines, date: line("date"), "date-time": dateTime, time, file,
};

/* Several lines of the same kind, for a question that repeats. */
const repeated = (node, change) => {
  const made = [];
  const box = h("div", { class: "several" });
  const maker = MAKERS[node.control];
  const add = h("button", { type: "button", class: "button second tiny", onclick: () => {
    push([]).inputs[0].focus();
    change("done");
  } }, t("form-add-line"));
  const push = (values) => {
    const one = maker(node, change);
    one.set(values);
    made.push(one);
    draw();
    return one;
  };
  const draw = () => {
    arrange(box, [...made.map((one, place) => {
      one.inputs[0].setAttribute("aria-label", `${node.text} ${place + 1}`);
      return one.root;
    }), add]);
    add.hidden = made.length >= (node.maxOccurs || 50);
  };
  return {
    root: box, group: true,
    get inputs() { return made.flatMap((one) => one.inputs); },
    set: (values) => {
      made.length = 0;
      (values.length ? values : [undefined]).forEach((value) => push(value === undefined ? [] : [value]));
    },
    get: () => made.flatMap((one) => one.get()),
    update: () => {},
  };
};

/** The control of a question; null where a patient has nothing to fill in. */
export const control = (node, change) => {
  const maker = MAKERS[node.control] || MAKERS.line;
  if (node.type === "reference") return null;
  const many = node.repeats && !["check-box", "file"].includes(node.control);
  return many ? repeated(node, change) : maker(node, change);
};

/** How to answer, in a few words. */
export const hints = (node) => {
  const found = [node.help, node.hint];
  if (["number", "slider"].includes(node.control)) found.push(limits(node));
  if (node.control === "slider") found.push(t("form-slider"));
  if (node.control === "check-box") found.push(t("form-several"));
  if (node.maxLength && ["line", "lines"].includes(node.control)) found.push(t("form-length", { max: node.maxLength }));
  return found.filter(Boolean);
};

/** A value that cannot be changed here, in words. */
export const inWords = (node) => (node.values || []).map((given) => {
  const value = bare(given);
  if (typeof value === "boolean") return t(value ? "form-yes" : "form-no");
  if (value && typeof value === "object") {
    const option = (node.options || []).find((one) => one.selected);
    if ("value" in value) return `${value.comparator || ""}${number(value.value)} ${value.unit || ""}`.trim();
    return (option && option.text) || value.display || value.title || value.reference || value.code || "";
  }
  return typeof value === "number" ? number(value) : String(value);
}).join(", ");
