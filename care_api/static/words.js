/* The words of the page, and moments and numbers as its reader writes them. */
const PLACES = { en: undefined, "zh-Hans": "zh-CN", "zh-Hant": "zh-HK" };
export const LANGUAGES = Object.keys(PLACES);

let words = {};
let language = "en";
let zone;

/** The language that a phone asks for, as one of ours. */
export const phoneLanguage = () => {
  for (const wish of navigator.languages || [navigator.language]) {
    if (/^zh\b.*(hant|tw|hk|mo)/i.test(wish)) return "zh-Hant";
    if (/^zh/i.test(wish)) return "zh-Hans";
    if (/^en/i.test(wish)) return "en";
  }
  return "en";
};

export const spoken = () => language;
export const setZone = (name) => (zone = name);

/** Read the words of a language. They are a file of the page's own. */
export const speak = async (wanted) => {
  const answer = await fetch(`${document.body.dataset.folder}words.${wanted}.json`);
  words = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted;
};

/** A text with its params; "" for a key that there is not. */
export const t = (key, params = {}) =>
  (words[key] || "").replace(/\{(\w+)\}/g, (whole, name) => (params[name] === undefined ? "" : params[name])).trim();

export const knows = (key) => key in words;

const format = (options) => new Intl.DateTimeFormat(PLACES[language] || "en", { timeZone: zone, ...options });
export const clock = (moment) => format({ hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(moment));
export const day = (moment) => format({ day: "numeric", month: "short" }).format(new Date(moment));
export const when = (moment) =>
  format({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false }).format(
    new Date(moment),
  );
export const dayOf = (moment) => format({ year: "numeric", month: "numeric", day: "numeric" }).format(new Date(moment));
/** A moment on the wall of the patient's zone, as a field for date and time has it. */
export const wall = (moment) => {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat("en-CA", {
      timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    })
      .formatToParts(new Date(moment))
      .map((part) => [part.type, part.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
};
export const number = (value) => new Intl.NumberFormat("en", { useGrouping: false, maximumFractionDigits: 6 }).format(value);
