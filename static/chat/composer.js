/**
 * The message box: what it shows while a message is typed, and how messages are sent, one after the other.
 */

import { adoptDraft, isSpentKey, Outbox, prefill, readDraft, removeOldDrafts, saveDraft, spendKey } from "./drafts.js";
import { scrollToEnd } from "./messages.js";
import {
  byId, fieldsOf, isSuccess, isTouch, lengthOf, newId, normalized, numberText, onHtmx, redirectOf, showRefusal, wording,
} from "./page.js";

/** The counter shows from this share of the longest message on. */
const COUNTER_FROM = 0.9;
// A browser lays out a whole text at each key: one of a million characters takes it seconds.
const PASTE_MAX_LIMITS = 8;
const CHARACTERS_PER_TOKEN = 4;
/** A text begins with a file in a fence. */
export const HAS_FILE = /^`{3,}\S* title="/;
/** Open tabs tell their ids within this time; the drafts of all other tabs are free. */
const TABS_ANSWER_SECONDS = 0.3;

const composer = byId("composer");
const box = byId("text");
const limit = Number(byId("counter")?.dataset.limit);

/**
 * Put numbers of characters into a message: the text's and the limit.
 * @param {string} message With {count} and {limit}.
 * @param {number} length
 * @param {number} max
 * @returns {string}
 */
export function withCounts(message, length, max = limit) {
  return message.replace("{count}", numberText(length)).replace("{limit}", numberText(max));
}

// The outbox

const outbox = new Outbox();
/** Whether nothing was typed since the server took the last message. */
let isSpent = false;
/** The path of the page to which the answer leads, while the browser goes there. */
let destination = "";
let usedKey = "";

/** How files are put before a text and taken out of it; attachments.js knows, once it is loaded. */
const attached = { withFiles: (text) => text, takeFiles: (text) => text, show: null };
const unreachable = () => showRefusal(wording["act-unreachable"]);
const withAttachments = (act) => import("./attachments.js").then(act, unreachable);

/** The message as it would be sent: the attached files and what is typed. */
const message = () => attached.withFiles(box.value);

/** Show a message: its files as chips, and the rest in the box. */
function showMessage(text) {
  box.value = attached.takeFiles(text);
  if (!attached.show && HAS_FILE.test(text)) withAttachments();
  showBox();
}

/** Take over how files are attached. @param {Partial<typeof attached>} functions */
export function attachWith(functions) {
  Object.assign(attached, functions);
  showMessage(box.value);
}

/** All that was typed and that the server does not have. */
const unsent = () => [...outbox.messages, message()].filter((part) => part.trim()).join("\n");

/** Show messages that are on their way at the end of the conversation. */
function showOutbox() {
  hideOutbox();
  if (composer.querySelector(".editing")) return;
  for (const text of outbox.messages) {
    const shown = byId("sending").content.cloneNode(true);
    const words = shown.querySelector(".text");
    words.textContent = normalized(text);
    attached.show?.(words);
    byId("messages").append(shown);
  }
  scrollToEnd();
}

function hideOutbox() {
  for (const message of document.querySelectorAll(".message.sending")) message.remove();
}

/** Empty the box, which is free for the next message at once. @returns {string} What stood in it. */
function takeText() {
  const text = message();
  showMessage("");
  return text;
}

/** Put all that was not sent back into the box. */
function putBack() {
  const text = unsent();
  outbox.clear();
  showMessage(text);
  saveDraft(unsent());
}

function sendNext() {
  if (outbox.chooseNext()) composer.requestSubmit();
}

// What the box shows

function showBox() {
  fitHeight();
  showCount();
  showContextUsage();
}

function fitHeight() {
  if (CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function showCount() {
  const counter = byId("counter");
  const length = lengthOf(normalized(message()));
  box.classList.toggle("long", length > limit);
  counter.hidden = length < COUNTER_FROM * limit;
  counter.classList.toggle("over", length > limit);
  counter.textContent = withCounts(wording.counter, length);
}

/** Show how much of the model's context the conversation takes, with what is typed now. */
function showContextUsage() {
  const link = byId("meter");
  const meter = link?.querySelector("meter");
  if (!meter) return;
  const { tokens, budget, shownFrom } = link.dataset;
  const used = Number(tokens) + message().length / CHARACTERS_PER_TOKEN;
  meter.value = used;
  link.hidden = used < Number(shownFrom);
  const words = link.querySelector(".share");
  const share = Math.min(1, used / Number(budget));
  if (words) words.textContent = numberText(share, { style: "percent" });
}

// Typing and sending

function onInput() {
  isSpent = false;
  saveDraft(unsent());
  showRefusal("");
  showBox();
}

function onKey(event) {
  if (event.key !== "Enter" || event.shiftKey || isTouch) return;
  // Enter may end a word of an input method; old browsers tell so by the code alone.
  if (event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  composer.requestSubmit();
}

/** Let htmx send the form, or take its text into the outbox, or refuse a text that is too long. */
function onSubmit(event) {
  if (outbox.isSendingNext) return;
  const text = message();
  const length = lengthOf(normalized(text));
  if (length > limit) {
    showRefusal(withCounts(wording["too-long"], length));
  } else {
    const isFree = outbox.isIdle && !destination;
    if (isFree && (text || !isSpent)) return;
    // One message after the other: each has a key of its own, which the answer to the one before brings.
    if (text.trim()) outbox.add(takeText());
    showOutbox();
  }
  // A second Enter or click just after the first asks for nothing new, either.
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** A double click on Send would end on Stop, which takes its place. */
function onStopClick(event) {
  if (event.target.closest(".stop-all") && event.detail > 1) event.preventDefault();
}

function onConfigured(event) {
  const text = outbox.begin(takeText);
  const fields = fieldsOf(event);
  fields.set("text", text);
  usedKey = fields.get("key");
  showOutbox();
}

/** A first message leads to its conversation; what was typed since goes there as well. */
function onAnswered(event) {
  const url = redirectOf(event);
  if (!url) return;
  const path = new URL(url, location.href).pathname;
  // Any other page asks to log in first.
  if (!path.startsWith(`${document.body.dataset.home}c/`)) return putBack();
  spendKey(usedKey);
  destination = path;
  outbox.confirm();
}

function onFinished({ status }) {
  if (destination) return;
  if (isSuccess(status)) {
    spendKey(usedKey);
    outbox.confirm();
    isSpent = true;
    saveDraft(unsent());
    setTimeout(sendNext);
  } else {
    putBack();
  }
  showOutbox();
  if (!isTouch) box.focus({ preventScroll: true });
}

function onPageHide() {
  if (!destination) return;
  saveDraft("");
  if (unsent()) saveDraft(unsent(), destination);
}

function onPageShow() {
  destination = "";
  // The Back button may show the page as it was before its message was sent.
  if (isSpentKey(byId("key").value)) byId("key").value = newId();
}

/** Put the newest draft of a closed tab into the box, unless the box is in use by now. */
function adoptDraftOnce(before) {
  const isUsed = !outbox.isIdle || isSpent || destination || message() !== before;
  if (isUsed || (before && !prefill)) return;
  const draft = adoptDraft();
  if (draft) showMessage(draft);
}

function restoreDraft() {
  const draft = readDraft();
  showMessage(draft && (prefill || !box.value) ? draft : box.value);
  removeOldDrafts();
  // A page that is loaded again shows what it showed; only a new one takes the drafts of closed tabs.
  const [navigation] = performance.getEntriesByType("navigation");
  if (draft || /** @type {any} */ (navigation)?.type !== "navigate") return;
  setTimeout(adoptDraftOnce, 1000 * TABS_ANSWER_SECONDS, box.value);
}

/** Refuse what comes at once and is far too long: it still stands where it was copied, and the field keeps its text. */
function onBeforeInput(event) {
  const text = event.data ?? event.dataTransfer?.getData("text/plain") ?? "";
  if (!limit || !event.cancelable || text.length <= PASTE_MAX_LIMITS * limit) return;
  event.preventDefault();
  const message = event.target === box ? "pasted-too-long" : "pasted-elsewhere";
  showRefusal(withCounts(wording[message], lengthOf(text)));
}
document.addEventListener("beforeinput", onBeforeInput);

// Files

/** Attach the files that are dropped or pasted; without this a browser would leave the page for a dropped one. */
function onTransfer(event) {
  const data = event.dataTransfer ?? event.clipboardData;
  // Office programs also give a picture of the text that they copy.
  if (!data?.types.includes("Files") || event.clipboardData?.getData("text/plain")) return;
  event.preventDefault();
  if (event.type === "dragover") return withAttachments();
  // What was dropped can be asked only now.
  const items = [...data.items].filter(({ kind }) => kind === "file");
  const files = items.map((item) => ({ file: item.getAsFile(), isFolder: item.webkitGetAsEntry?.()?.isDirectory }));
  withAttachments(({ attach }) => attach(files));
}

if (composer && box) {
  restoreDraft();
  if (byId("attach")) {
    byId("attach").addEventListener("click", () => withAttachments(({ choose }) => choose()));
    for (const type of ["dragover", "drop", "paste"]) document.addEventListener(type, onTransfer);
  }
  box.addEventListener("input", onInput);
  box.addEventListener("keydown", onKey);
  composer.querySelector(".editing a")?.addEventListener("click", () => saveDraft(""));
  byId("when-idle")?.addEventListener("change", () => import("./when_idle.js"), { once: true });
  composer.addEventListener("submit", onSubmit, true);
  composer.addEventListener("click", onStopClick);
  addEventListener("pagehide", onPageHide);
  addEventListener("pageshow", onPageShow);
  const markInvalid = () => box.setAttribute("aria-invalid", String(byId("refusal").textContent !== ""));
  new MutationObserver(markInvalid).observe(byId("refusal"), { childList: true });
  const isOurs = ({ source }) => source === composer;
  onHtmx("configured", (request, event) => isOurs(request) && onConfigured(event));
  onHtmx("swapping", (request) => isOurs(request) && hideOutbox());
  onHtmx("answered", (request, event) => isOurs(request) && onAnswered(event));
  onHtmx("finished", (request) => isOurs(request) && onFinished(request));
  onHtmx("changed", showContextUsage);
}
