/**
 * What was typed and the server does not have: messages in the outbox, and drafts, which this browser stores.
 *
 * Each tab has an id and keeps its drafts under it, so that no tab overwrites or removes what was typed in another
 * one. A key is `<site>:draft:@<account>:<path>#<tab>`, for a guest without `@<account>:`. No path holds a `#`.
 */

import { byId, isOwnKey, newId, readStored, site, withStorage, withTabStorage } from "./page.js";

const DRAFTS_MAX = 100;
const DRAFT_DAYS_MAX = 90;
const SPENT_KEYS_MAX = 50;

/** The part of the address that fills the box: a message to change, or a text. Such a page has a draft of its own. */
export const prefill = location.search.match(/[?&](edit|text)=[^&]*/)?.[0] ?? "";
const here = location.pathname + prefill;
// A draft belongs to an account, so that the next user of this browser sees no draft of the one before.
const account = byId("composer")?.dataset.person;

const draftName = (path, owner = account) => `draft:${owner ? `@${owner}:` : ""}${path}`;

// The outbox

/** Messages that the server does not have yet: one on its way, and those sent since then, in order. */
export class Outbox {
  /** @type {string | null} */
  #sending = null;
  /** @type {string[]} */
  #waiting = [];
  /** @type {string | null} */
  #next = null;

  /** Whether no message is on its way. */
  get isIdle() {
    return this.#sending === null;
  }

  /** Whether the form is being sent for a message that waited. */
  get isSendingNext() {
    return this.#next !== null;
  }

  /** All messages, the oldest first. @returns {string[]} */
  get messages() {
    return [this.#sending, this.#next, ...this.#waiting].filter((text) => text?.trim());
  }

  /**
   * Let a message wait for the one on its way.
   * @param {string} text
   */
  add(text) {
    this.#waiting.push(text);
  }

  /**
   * Choose the first message that waits, if nothing is on its way.
   * @returns {boolean} Whether there is one.
   */
  chooseNext() {
    if (!this.isIdle || !this.#waiting.length) return false;
    this.#next = this.#waiting.shift() ?? "";
    return true;
  }

  /**
   * Begin to send the chosen message, or else the text of the box.
   * @param {() => string} takeText Empties the box and returns its text.
   * @returns {string} The text that is sent.
   */
  begin(takeText) {
    this.#sending = this.#next ?? takeText();
    this.#next = null;
    return this.#sending;
  }

  /** The server has the message that was on its way. */
  confirm() {
    this.#sending = null;
  }

  /** Empty the outbox. */
  clear() {
    this.#sending = this.#next = null;
    this.#waiting.length = 0;
  }
}

// A key names one message for good; the same words sent again are another message.
const spentKeysName = `${site}:spent-keys`;
const spentKeys = () => JSON.parse(withTabStorage((store) => store.getItem(spentKeysName)) ?? "[]");

/**
 * Note that a message was sent with this key.
 * @param {string} key
 */
export function spendKey(key) {
  const keys = JSON.stringify([...spentKeys(), key].slice(-SPENT_KEYS_MAX));
  withTabStorage((store) => store.setItem(spentKeysName, keys));
}

/**
 * Whether a message was sent with this key, in this tab.
 * @param {string} key
 * @returns {boolean}
 */
export const isSpentKey = (key) => spentKeys().includes(key);

// Tabs

let tab = withTabStorage((store) => store.getItem("tab")) ?? newId();
const keepTab = () => withTabStorage((store) => store.setItem("tab", tab));
keepTab();

const ownKey = (path) => `${site}:${draftName(path)}#${tab}`;

// Tabs ask each other for their ids: which tabs are open, and whether an id is taken, since a duplicated tab begins
// with a copy of the other one's session storage.
const pageId = newId();
const openTabs = new Set();
/** @type {BroadcastChannel | null} */
let channel = null;

function joinTabs() {
  if (!("BroadcastChannel" in globalThis)) return;
  channel = new BroadcastChannel(`${site}:tabs`);
  channel.addEventListener("message", answerTab);
  channel.postMessage({ from: pageId });
}

function answerTab({ data }) {
  if (data.from) channel?.postMessage({ to: data.from, tab });
  if (data.to !== pageId) return;
  if (data.tab === tab) renewTab();
  openTabs.add(data.tab);
}

function renewTab() {
  const draft = parseDraft(withStorage((store) => store.getItem(ownKey(here))));
  tab = newId();
  keepTab();
  if (draft) saveDraft(draft.text);
}

joinTabs();
// A page that the browser keeps for its Back button must not listen.
addEventListener("pagehide", () => channel?.close());
addEventListener("pageshow", ({ persisted }) => persisted && joinTabs());

// One draft

/**
 * @param {string | null} raw A stored value.
 * @returns {{at: number, text: string} | null} The draft and when it was typed, in milliseconds since 1970.
 */
export function parseDraft(raw) {
  try {
    const { at, text } = JSON.parse(raw ?? "");
    return { at, text };
  } catch {
    return null;
  }
}

function write(key, text) {
  // Where the storage is full, the older draft stays.
  withStorage((store) => store.setItem(key, JSON.stringify({ at: Date.now(), text })));
}

function removeKey(key) {
  withStorage((store) => store.removeItem(key));
}

/** This tab's draft under a name. One stored before tabs had ids becomes this tab's. */
function readNamed(name) {
  const own = parseDraft(readStored(`${name}#${tab}`))?.text;
  const withoutTab = own ? null : readStored(name);
  if (!withoutTab) return own ?? "";
  write(`${site}:${name}#${tab}`, withoutTab);
  removeKey(`${site}:${name}`);
  return withoutTab;
}

/**
 * This tab's draft for a page. A guest who has just logged in goes on with what they typed before.
 * @param {string} path The path of the page; this page's by default.
 * @returns {string} Empty if there is none.
 */
export function readDraft(path = here) {
  const draft = readNamed(draftName(path));
  if (!account || draft) return draft;
  const guests = readNamed(draftName(path, ""));
  if (guests) write(ownKey(path), guests);
  removeKey(`${site}:${draftName(path, "")}#${tab}`);
  return guests;
}

/**
 * Keep a draft of this tab for a page.
 * @param {string} text Empty to remove the draft.
 * @param {string} path The path of the page; this page's by default.
 */
export function saveDraft(text, path = here) {
  if (text) write(ownKey(path), text);
  else removeKey(ownKey(path));
}

/**
 * Take the newest draft for this page that a closed tab has left: it becomes this tab's.
 * @returns {string} Empty if there is none.
 */
export function adoptDraft() {
  const isFree = ({ key, text }) => text && !openTabs.has(key.slice(key.indexOf("#") + 1));
  const found = [draftName(here), draftName(here, "")].flatMap((name) => draftsNamed(`${name}#`)).find(isFree);
  if (!found) return "";
  removeKey(found.key);
  saveDraft(found.text);
  return found.text;
}

/**
 * Move this page's draft to another page, behind the draft that page has.
 * @param {string} path
 */
export function moveDraft(path) {
  const draft = readNamed(draftName(here));
  if (!draft || ownKey(path) === ownKey(here)) return;
  const there = parseDraft(withStorage((store) => store.getItem(ownKey(path))))?.text;
  saveDraft([there, draft].filter(Boolean).join("\n"), path);
  saveDraft("");
}

// All drafts

/** Stored drafts whose names begin so, the newest first. */
function draftsNamed(beginning) {
  const read = (store) =>
    Object.keys(store)
      .filter((key) => isOwnKey(key, beginning))
      .map((key) => ({ key, at: 0, text: "", ...parseDraft(store.getItem(key)) }))
      .sort((one, other) => other.at - one.at);
  return withStorage(read) ?? [];
}

function removeNamed(beginning) {
  for (const { key } of draftsNamed(beginning)) removeKey(key);
}

/** Remove drafts that are too old, and the oldest of too many. */
export function removeOldDrafts() {
  const oldest = Date.now() - 1000 * 86400 * DRAFT_DAYS_MAX;
  const ofTabs = draftsNamed("draft:").filter(({ key }) => key.includes("#"));
  const old = ofTabs.filter(({ at }, index) => index >= DRAFTS_MAX || at < oldest);
  for (const { key } of old) removeKey(key);
}

// A browser that lost the cookie of its session may still keep drafts of an account; the page says so.
const draftsKept = byId("drafts-kept");
if (draftsKept?.hidden) draftsKept.hidden = !draftsNamed("draft:@").length;

// Logging out removes the drafts of accounts. Erasing everything removes all drafts once it is done: a wrong password
// erases nothing, and neither does a link to that page.
document.addEventListener("submit", ({ target, submitter }) => {
  const address = submitter?.getAttribute("formaction") ?? /** @type {any} */ (target).action;
  const [, action] = address.match(/\/account\/(log-out|erase)\/$/) ?? [];
  if (action === "log-out") removeNamed("draft:@");
  if (action === "erase") withTabStorage((store) => store.setItem("erasing", "yes"));
});
if (withTabStorage((store) => store.getItem("erasing"))) {
  withTabStorage((store) => store.removeItem("erasing"));
  if (byId("erased")) removeNamed("draft:");
}
