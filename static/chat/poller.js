/**
 * Polling: when the page asks for news, what it does when the server cannot be reached, and how it tells a person
 * elsewhere that a reply is ready. The poller itself is an element that htmx serves (templates/poll/_poller.html).
 */

import { moveDraft } from "./drafts.js";
import {
  byId,
  isSuccess,
  onHtmx,
  pendingReplies,
  readStored,
  redirectOf,
  reloadOnce,
  showRefusal,
  site,
  versionOf,
  wording,
} from "./page.js";

const RETRY_SECONDS = [1, 2, 4, 8, 15];
/** The longest retry is this share shorter or longer, so that many pages do not come back at once. */
const JITTER = 0.2;
/** A page that is not visible asks no more often. */
const HIDDEN_SECONDS = 15;
/** One of a browser's hidden pages asks so often whether what is unread was read elsewhere. */
const UNREAD_SECONDS = 60;
/** Pages tell each other no more often that they have asked. */
const TELL_SECONDS = 5;

// A greeting or a good-bye is for one time: a page that is loaded again, or kept as a bookmark, has none.
const address = new URL(location.href);
for (const name of ["welcome", "left"]) address.searchParams.delete(name);
if (address.href !== location.href) history.replaceState(history.state, "", address);

const isPoller = ({ source }) => source.id === "poller";
const isAction = ({ source }) => source.matches("form, button");
const knownChanges = () => byId("poller")?.querySelector("[name=n]");

// Polls

/** Ask for news now, unless nobody sees the page. */
export function pollNow() {
  const poller = byId("poller");
  if (poller && !document.hidden) htmx.trigger(poller, "poll-now");
}

/** Make the next answer bring everything anew. */
export function forgetChanges() {
  const known = knownChanges();
  if (known) known.value = "";
}

/** Make the next answer bring all messages again. */
export function forgetMessages() {
  forgetChanges();
  const path = byId("poller")?.querySelector("[name=p]");
  if (path) path.value = "";
}

/** Ask again if an answer could not be taken when it came. */
export function catchUp() {
  if (knownChanges()?.value === "") pollNow();
}

// A hidden page asks seldom: for its own replies, and for those of other conversations where no other page asked.
let askedAt = 0;
let askedElsewhereAt = 0;
function isDueHidden() {
  const now = Date.now();
  if (pendingReplies().size) return now - askedAt > 1000 * HIDDEN_SECONDS;
  const { awaited, unread } = news();
  const seconds = awaited === undefined ? UNREAD_SECONDS : HIDDEN_SECONDS;
  const isWaiting = awaited !== undefined || Boolean(unread);
  return isWaiting && now - Math.max(askedAt, askedElsewhereAt) > 1000 * seconds;
}

onHtmx("starting", (request, event) => {
  if (!isPoller(request)) return;
  if (document.hidden && !isDueHidden()) return event.preventDefault();
  if (Date.now() - askedAt > 1000 * TELL_SECONDS) tellTabs({});
  askedAt = Date.now();
});

document.addEventListener("visibilitychange", () => {
  const field = byId("is-hidden");
  if (field) field.value = document.hidden ? "1" : "";
  if (document.hidden) return;
  markTab(false);
  // Replies that came while the page was hidden are read now, so the answer must name them again.
  forgetChanges();
  pollNow();
});
addEventListener("online", pollNow);
addEventListener("pageshow", ({ persisted }) => persisted && pollNow());

// Failures

let failures = 0;
let retry = 0;

/**
 * How long to wait before the next try.
 * @param {number} failed How many tries have failed before this one.
 * @param {number} random From 0 to 1.
 * @returns {number} Seconds.
 */
export function retrySeconds(failed, random = Math.random()) {
  const seconds = RETRY_SECONDS[Math.min(failed, RETRY_SECONDS.length - 1)];
  return seconds * (1 + JITTER * (2 * random - 1));
}

function retryPoll() {
  // One timer: the watchdog's polls fail too, and must not each begin a row of retries.
  clearTimeout(retry);
  retry = setTimeout(pollNow, 1000 * retrySeconds(failures));
}

/**
 * Why a request of a person was refused.
 * @param {Element} source The element that asked.
 * @param {number} status The HTTP status; 0 where no answer came.
 * @returns {string} One of the page's texts.
 */
export function refusalFor(source, status) {
  const kind = source.matches("#composer, .editor") ? "" : "act-";
  const similar = status < 500 ? 400 : 500;
  return wording[kind + (status || "unreachable")] ?? wording[kind + similar];
}

/** An editor within the messages has a place of its own for what is wrong. */
const refusalOf = (source) => (source.matches(".editor") ? source.querySelector(".refusal") : null);

onHtmx("starting", (request) => isAction(request) && showRefusal("", refusalOf(request.source)));

onHtmx("failed", (request, { detail }) => {
  const { source, status } = request;
  if (detail.errorInfo) return; // htmx 2 tells each of its errors a second time
  // A form of this page set the poll aside; or htmx 4 gave it up, and then nothing else brings the next one soon.
  if (detail.error?.name === "AbortError") return isPoller(request) && retryPoll();
  if (!isPoller(request)) return showRefusal(refusalFor(source, status), refusalOf(source));
  if (status > 0 && status < 500) return;
  retryPoll();
  failures += 1;
  byId("connection-lost").hidden = failures < 2;
});

// A form sets a poll aside; where the form failed, no other poll came with its answer.
onHtmx("finished", (request) => !isPoller(request) && !isSuccess(request.status) && retryPoll());

onHtmx("succeeded", (request) => {
  if (!isPoller(request) || request.status < 200 || request.status >= 500) return;
  failures = 0;
  byId("connection-lost").hidden = true;
});

// While servers of two releases take turns, the other one's answer does not fit into this page. What is typed is kept.
onHtmx("answered", ({ status }, event) => {
  const version = byId("poller")?.querySelector("[name=v]")?.value;
  if (!version || !isSuccess(status) || redirectOf(event) || versionOf(event) === version) return;
  event.preventDefault();
  reloadOnce();
});

// Someone who was logged out may not read on, nor where the browser keeps the page for its Back button.
onHtmx("answered", ({ status }, event) => {
  const url = status === 404 && redirectOf(event);
  if (!url) return;
  document.body.hidden = true;
  // A guest whose cookie is lost goes on at the first page with what they typed.
  if (url.endsWith("?ended=guest")) moveDraft(document.body.dataset.home);
});

// News: the title counts the conversations that are unread, as the server does in the title of a new page. The list
// says which replies are ready (templates/conversations/_list.html); the tabs of a browser tell each other.

const icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
const plainIcon = icon.getAttribute("href") ?? "";
let isMarked = false;

/** What the list says: how many are unread, names of what is ready, whether a reply is to come. */
function news() {
  return byId("conversations")?.dataset ?? {};
}

const titleMark = () => (news().unread ? `(${news().unread}) ` : isMarked ? "● " : "");
let plainTitle = document.title.slice(titleMark().length);
let shownTitle = document.title;
let shownCount;

function showNews() {
  const { unread = "" } = news();
  if (shownCount && !unread) isMarked = false; // all was read elsewhere
  // Whatever else writes the title knows of no mark.
  if (document.title !== shownTitle) plainTitle = document.title;
  document.title = titleMark() + plainTitle;
  shownTitle = document.title;
  if (unread !== shownCount) navigator.setAppBadge?.(Number.parseInt(unread || "0", 10)).catch(() => {});
  shownCount = unread;
  const wanted = isMarked ? icon.dataset.marked : plainIcon;
  if (icon.getAttribute("href") !== wanted) icon.href = wanted;
}
showNews();

new MutationObserver(() => document.title !== shownTitle && showNews()).observe(
  /** @type {Element} */ (document.querySelector("title")),
  { childList: true },
);

function markTab(wanted) {
  isMarked = wanted;
  showNews();
}

/** A name as the list has them, of a conversation or of an element of a reply. */
const shortName = (id = "") => id.replace(/^reply-/, "").slice(0, 8);
/** The name of the conversation that this page shows; empty without one. */
export const conversation = () => shortName(byId("poller")?.querySelector("[name=c]")?.value);

/** The names of ready replies that this page has met; each is new only once. */
const met = new Set((news().ready ?? "").split(" "));
let pending = pendingReplies();

/** @param {string[]} names Of replies that are ready. */
function meet(names) {
  const fresh = names.filter((name) => name && !met.has(name));
  for (const name of fresh) met.add(name);
  if (fresh.length && document.hidden) markTab(true);
  showNews();
  if (fresh.length && isSoundWanted()) import("./sound.js").then(({ announceReady }) => announceReady(fresh));
}

const isSoundWanted = () => readStored("sound") === "yes";
// It notes what is read here, for the other tabs.
if (isSoundWanted()) import("./sound.js");

/** @type {BroadcastChannel | null} */
let tabs = null;
const owner = () => byId("poller")?.querySelector("[name=o]")?.value ?? "";
let told = JSON.stringify({ ...news() });

/** Tell the other tabs that this one has asked, and what is new. @param {DOMStringMap} found */
const tellTabs = (found) => tabs?.postMessage({ owner: owner(), news: { ...found } });

function onNews({ data }) {
  if (data.owner !== owner()) return;
  askedElsewhereAt = Date.now();
  const list = byId("conversations");
  if (!list || data.news.unread === undefined) return;
  if (data.news.awaited === undefined) delete list.dataset.awaited;
  Object.assign(list.dataset, data.news);
  told = JSON.stringify({ ...news() });
  meet(data.news.ready.split(" "));
}

function joinTabs() {
  if (!("BroadcastChannel" in globalThis)) return;
  tabs = new BroadcastChannel(`${site}:news`);
  tabs.addEventListener("message", onNews);
}
joinTabs();
// A browser keeps no page with an open channel for the Back button.
addEventListener("pagehide", () => {
  tabs?.close();
  tabs = null;
});
addEventListener("pageshow", ({ persisted }) => persisted && joinTabs());
// Opening this page may have read what the others count.
if (byId("conversations")) tellTabs(news());

const isNotificationWanted = () => "Notification" in window && readStored("notify") === "yes";

// The browser may get notices while no page is open (chat/services/notifications/).
const hasPush = Boolean(readStored("push"));
if (hasPush) import("./push.js").then(({ renew }) => renew()).catch(() => {});

async function notify() {
  if (!isNotificationWanted() || Notification.permission !== "granted") return;
  const path = location.pathname;
  try {
    if (hasPush && (await (await import("./push.js")).showNotice(wording.ready, plainTitle, path))) return;
    const notification = new Notification(wording.ready, { body: plainTitle, tag: path });
    notification.addEventListener("click", () => window.focus());
  } catch {
    // Some browsers allow notifications only from a service worker; the mark is there.
  }
}

onHtmx("changed", () => {
  const now = pendingReplies();
  const ended = [...pending].map(byId).filter((reply) => reply && !now.has(reply.id));
  pending = now;
  const done = ended.filter((reply) => reply.matches(".done"));
  meet([...done.map(({ id }) => `${conversation()}-${shortName(id)}`), ...(news().ready ?? "").split(" ")]);
  if (JSON.stringify({ ...news() }) !== told) tellTabs(news());
  told = JSON.stringify({ ...news() });
  if (!ended.length || !document.hidden) return;
  markTab(true);
  if (done.length) notify();
});
