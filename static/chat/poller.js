/**
 * Polling: when the page asks for news, what it does when the server cannot be reached, and how it tells a person
 * elsewhere that a reply has ended. The poller itself is an element that htmx serves (templates/poll/_poller.html).
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
  withStorage,
  wording,
} from "./page.js";

const RETRY_SECONDS = [1, 2, 4, 8, 15];
/** The longest retry is this share shorter or longer, so that many pages do not come back at once. */
const JITTER = 0.2;
/** A page that nobody sees asks no more often. */
const HIDDEN_SECONDS = 15;

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

// A hidden page asks seldom, and only while a reply is to come.
let askedAt = 0;
onHtmx("starting", (request, event) => {
  if (!isPoller(request)) return;
  const isDue = pendingReplies().size > 0 && Date.now() - askedAt > 1000 * HIDDEN_SECONDS;
  if (document.hidden && !isDue) event.preventDefault();
  else askedAt = Date.now();
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

// Notifications: a reply that ends while the page is hidden marks the tab, and notifies a person who asked for it.

const icon = /** @type {HTMLLinkElement} */ (document.querySelector("link[rel=icon]"));
const plainIcon = icon?.href;
const plainTitle = () => document.title.replace(/^● /, "");
let pending = pendingReplies();
let isMarked = false;

function markTab(wanted) {
  isMarked = wanted;
  document.title = isMarked ? `● ${plainTitle()}` : plainTitle();
  icon.href = isMarked ? icon.dataset.marked : plainIcon;
}

const isNotificationWanted = () => "Notification" in window && readStored("notify") === "yes";

function notify() {
  if (!isNotificationWanted() || Notification.permission !== "granted") return;
  try {
    const notification = new Notification(wording.ready, { body: plainTitle(), tag: location.pathname });
    notification.addEventListener("click", () => window.focus());
  } catch {
    // Some browsers allow notifications only from a service worker; the mark is there.
  }
}

onHtmx("changed", () => {
  const now = pendingReplies();
  const ended = [...pending].map(byId).filter((reply) => reply && !now.has(reply.id));
  pending = now;
  // An answer may bring the title anew.
  if (isMarked) markTab(true);
  if (!ended.length || !document.hidden) return;
  markTab(true);
  if (ended.some((reply) => reply.matches(".done"))) notify();
});

/** The checkbox of the settings page. */
async function onNotifyChoice({ target }) {
  const answer = target.checked ? await Notification.requestPermission() : "";
  target.checked = answer === "granted";
  byId("notify-blocked").hidden = answer !== "denied";
  withStorage((store) => store.setItem(`${site}:notify`, target.checked ? "yes" : "no"));
}

const choice = byId("notify-me");
if (choice && "Notification" in window) {
  byId("notify").hidden = false;
  choice.checked = isNotificationWanted() && Notification.permission === "granted";
  choice.addEventListener("change", onNotifyChoice);
}
