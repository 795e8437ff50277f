/**
 * What all modules share: the words of the page, its storage, and htmx's events.
 *
 * The site works without scripts; with them it is comfortable. The modules keep nothing that the server does not
 * know, except what is typed and not yet sent. Each module is a script of the page (templates/layout/base.html),
 * starts by itself, and does nothing on a page that lacks its elements. This one comes first.
 */

// Trusted Types: htmx may write this site's HTML, in which the policy of the page lets no script run. The policy has
// no rule for scripts and their URLs, so no text becomes one.
globalThis.trustedTypes?.createPolicy("default", { createHTML: (html) => html });

/**
 * The element with an id, or null.
 * @type {(id: string) => any}
 */
export const byId = (id) => document.getElementById(id);

/** Whether the main pointer is a finger: Enter makes a line there, and focus would open the keyboard. */
export const isTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;

/** Whether the keyboard has a command key. */
export const isApple = /^(?:Mac|iP)/.test(navigator.platform);

/**
 * What scripts say, in the language of the page (chat/wording/script_messages.py).
 * @type {Readonly<Record<string, string>>}
 */
export const wording = Object.freeze(JSON.parse(byId("texts")?.textContent ?? "{}"));

/**
 * A number as the language of the page writes it, in the groups that the server makes.
 * @type {(number: number, options?: Intl.NumberFormatOptions) => string}
 */
export function numberText(number, options) {
  const format = new Intl.NumberFormat(document.documentElement.lang, { useGrouping: "always", ...options });
  const parts = format.formatToParts(number);
  return parts.map(({ type, value }) => (type === "group" ? (wording.group ?? value) : value)).join("");
}

/**
 * A message as the server keeps it: with line feeds, and without blank lines around it.
 * @param {string} text
 * @returns {string}
 */
export function normalized(text) {
  return text
    .replace(/\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]/g, "\n")
    .replace(/^(?:[^\S\n]*\n)+/, "")
    .trimEnd();
}

/**
 * The number of characters as the server counts them: a pair of surrogates is one.
 * @param {string} text
 * @returns {number}
 */
export function lengthOf(text) {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/**
 * Show why something was refused: below the message box, or as an announcement on a page without one.
 * @param {string} message Empty to take the last one away.
 * @param {Element | null} place Where to show it instead.
 */
export function showRefusal(message, place = null) {
  (place ?? byId("refusal") ?? byId("status")).textContent = message;
}

/** Let screen readers say something. @param {string} message */
export function announce(message) {
  byId("status").textContent = message;
}

/**
 * The replies of the page that have not ended.
 * @returns {Set<string>} Ids of their elements.
 */
export function pendingReplies() {
  return new Set([...document.querySelectorAll(".reply.pending")].map(({ id }) => id));
}

// Storage. Sites on one host share cookies, and sites under one origin share storage, so the page says which names
// are this site's own.

const { site: siteName, earlierSites, tokenCookie, zoneCookie, themeCookie } = document.body.dataset;

/** The name of this site, with which its keys begin. */
export const site = siteName ?? "";
/** What keys began with in earlier versions: another name, or nothing. */
const earlierPrefixes = [...(earlierSites ?? "").split(" ").map((name) => `${name}:`), ""];

/**
 * Use localStorage. A browser may forbid it or have no room; what is kept there is only a comfort.
 * @template T
 * @param {(store: Storage) => T} action
 * @param {"localStorage" | "sessionStorage"} name
 * @returns {T | null} Null where the action failed.
 */
export function withStorage(action, name = "localStorage") {
  try {
    return action(globalThis[name]);
  } catch {
    return null;
  }
}

/** The same with sessionStorage, which belongs to one tab. @type {typeof withStorage} */
export const withTabStorage = (action) => withStorage(action, "sessionStorage");

/**
 * Whether a key of localStorage is this site's, today's or an earlier one, and what it names begins so.
 * @param {string} key
 * @param {string} beginning
 * @returns {boolean}
 */
export function isOwnKey(key, beginning) {
  return [`${site}:`, ...earlierPrefixes].some((prefix) => key.startsWith(prefix + beginning));
}

/**
 * Read a value of this site. One that has an earlier key moves to today's.
 * @param {string} name The key without the name of the site.
 * @returns {string | null}
 */
export function readStored(name) {
  const key = `${site}:${name}`;
  return withStorage((store) => {
    for (const prefix of earlierPrefixes) {
      const found = store.getItem(prefix + name);
      if (!found || store.getItem(key)) continue;
      store.setItem(key, found);
      store.removeItem(prefix + name);
    }
    return store.getItem(key);
  });
}

/**
 * Keep a value of this site.
 * @param {string} name The key without the name of the site.
 * @param {string} value
 */
export const writeStored = (name, value) => withStorage((store) => store.setItem(`${site}:${name}`, value));

/** Forget a value of this site. @param {string} name The key without the name of the site. */
export const removeStored = (name) => withStorage((store) => store.removeItem(`${site}:${name}`));

/** A random id of 128 bits, in hexadecimal digits. @returns {string} */
export function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// htmx. Its events have other names and details in version 4; both versions work.

/** Moments of a request, and the events of htmx 2 and of htmx 4 that tell of them. */
const EVENTS = {
  configured: ["htmx:configRequest", "htmx:config:request"],
  starting: ["htmx:beforeRequest", "htmx:before:request"],
  answered: ["htmx:beforeOnLoad", "htmx:after:request"],
  succeeded: ["htmx:afterRequest", "htmx:after:request"],
  failed: ["htmx:sendError", "htmx:timeout", "htmx:responseError", "htmx:error", "htmx:response:error"],
  swapping: ["htmx:beforeSwap", "htmx:before:swap"],
  swapped: ["htmx:afterSwap", "htmx:after:swap"],
  changed: ["htmx:afterSettle", "htmx:after:swap"],
  settled: ["htmx:afterSettle", "htmx:after:settle"],
  finished: ["htmx:afterRequest", "htmx:finally:request"],
};

/**
 * @typedef {object} HtmxRequest
 * @property {any} source The element that asks.
 * @property {number} status The HTTP status of the answer; 0 where none came.
 */

/**
 * Listen to a moment of all requests that htmx makes.
 * @param {keyof typeof EVENTS} moment
 * @param {(request: HtmxRequest, event: CustomEvent) => void} act
 */
export function onHtmx(moment, act) {
  const listen = (/** @type {any} */ event) => act(requestOf(event), event);
  for (const name of EVENTS[moment]) document.addEventListener(name, listen);
}

function requestOf({ detail, target }) {
  return {
    source: detail.requestConfig?.elt ?? detail.ctx?.sourceElement ?? target,
    status: detail.xhr?.status ?? detail.ctx?.response?.status ?? 0,
  };
}

/**
 * The fields of a form that is about to be sent, at the moment "configured".
 * @param {any} event
 * @returns {FormData}
 */
export function fieldsOf({ detail }) {
  return detail.formData ?? detail.ctx.request.body;
}

/**
 * The URL to which an answer sends the page, if any.
 * @param {any} event
 * @returns {string | null | undefined}
 */
export function redirectOf({ detail }) {
  return detail.xhr?.getResponseHeader("HX-Redirect") ?? detail.ctx?.response?.headers.get("HX-Redirect");
}

/**
 * The version of pages into which the parts of an answer fit, if it names one.
 * @param {any} event
 * @returns {string | null | undefined}
 */
export function versionOf({ detail }) {
  return detail.xhr?.getResponseHeader("Page-Version") ?? detail.ctx?.response?.headers.get("Page-Version");
}

/**
 * Whether an HTTP status says that the request was carried out.
 * @param {number} status
 * @returns {boolean}
 */
export const isSuccess = (status) => status >= 200 && status < 300;

// Parts of a page come in its language, even if another one was chosen in another tab.
onHtmx("configured", (_request, { detail }) => {
  const headers = detail.headers ?? detail.ctx.request.headers;
  headers["Page-Language"] = document.documentElement.lang;
});

// Cookies

/** The value of a cookie, if there is one. @param {string} name */
export function cookie(name) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

// Logging in gives the browser a new CSRF token; a page opened earlier has an old one in its forms.
function renewTokens() {
  const token = cookie(tokenCookie);
  if (!token) return;
  for (const input of document.getElementsByName("csrfmiddlewaretoken")) {
    /** @type {HTMLInputElement} */ (input).value = token;
  }
}
for (const type of ["submit", "click"]) document.addEventListener(type, renewTokens, true);

/** Keep a choice, for all pages from now on. */
export function setCookie(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

// The server says "today" and "yesterday" in the time zone of the browser.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zoneCookie && zone && cookie(zoneCookie) !== zone) setCookie(zoneCookie, zone);

/**
 * Show this page, and all pages from now on, in a theme.
 * @param {string} theme "light", "dark", or empty for the system's.
 */
export function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  setCookie(themeCookie, theme);
}

// A server that restarts while a page loads may give modules of two versions, which do not fit together, or lack one.
// The page then loads once more, when the server answers again and nothing was typed.
const RELOAD_PAUSE_SECONDS = 60;
const RETRY_SECONDS = 2;

/** Load the page once more, unless that has just been done. */
export function reloadOnce() {
  const last = withTabStorage((store) => Number(store.getItem(`${site}:reloaded`)));
  if (last === null || Date.now() - last <= 1000 * RELOAD_PAUSE_SECONDS) return;
  withTabStorage((store) => store.setItem(`${site}:reloaded`, String(Date.now())));
  location.reload();
}

async function reloadOnceReachable() {
  try {
    await fetch(import.meta.url, { cache: "no-store" });
  } catch {
    return setTimeout(reloadOnceReachable, 1000 * RETRY_SECONDS);
  }
  if (byId("text")?.value === byId("text")?.defaultValue) reloadOnce();
}

function watchLoading(event) {
  const isMissing = event.target instanceof HTMLScriptElement;
  if (isMissing || event.error instanceof SyntaxError) reloadOnceReachable();
}
addEventListener("error", watchLoading, true);
addEventListener("DOMContentLoaded", () => removeEventListener("error", watchLoading, true));
