/* The public API, as any app would call it. The token is in a header, never in an address. */
import { spoken } from "./words.js";

const KEY = "care-token";

/* A patient who asks to stay signed in has the token in localStorage, anyone else in sessionStorage, which ends with the
   page. Nothing else is kept: no answer, no name. */
let token = sessionStorage.getItem(KEY) || localStorage.getItem(KEY);

export const signedIn = () => Boolean(token);

export const keepToken = (value, stay) => {
  forgetToken();
  token = value;
  (stay ? localStorage : sessionStorage).setItem(KEY, value);
};

export const forgetToken = () => {
  token = null;
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
};

/** What the API says is wrong; `code` is stable, `errors` name places. */
export class Problem extends Error {
  constructor(status, body, headers) {
    super(body.code || String(status));
    this.status = status;
    this.code = body.code || "";
    this.errors = body.errors || [];
    this.place = body.place;
    this.wait = Number(headers.get("Retry-After") || 0);
  }
}

/** There is no connection, or nobody answers. */
export class Offline extends Error {}

const listeners = new Set();
export const onConnection = (listener) => listeners.add(listener);
const tell = (there) => listeners.forEach((listener) => listener(there));

/** One call. Gives the answer's JSON, or null; throws Problem or Offline. */
export const call = async (method, path, { query = {}, body, key } = {}) => {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  let answer;
  try {
    answer = await fetch(`/api/v1${path}${search ? `?${search}` : ""}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "omit",
    });
  } catch {
    tell(false);
    throw new Offline();
  }
  if (answer.status === 502 || answer.status === 503 || answer.status === 504) {
    tell(false);
    throw new Offline();
  }
  tell(true);
  const json = (answer.headers.get("Content-Type") || "").includes("json");
  const content = json && answer.status !== 204 ? await answer.json() : null;
  if (!answer.ok) throw new Problem(answer.status, content || {}, answer.headers);
  return content;
};

const spokenQuery = (query) => ({ language: spoken(), ...query });
export const get = (path, query = {}) => call("GET", path, { query: spokenQuery(query) });
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
