/**
 * The messages of a conversation: how they scroll while text comes, how they and their code are copied, wrapped and
 * saved.
 */

import {
  announce,
  byId,
  isApple,
  isTouch,
  onHtmx,
  pendingReplies,
  readStored,
  showRefusal,
  wording,
  writeStored,
} from "./page.js";

/** So near to the end a reader still reads the end. */
const NEAR_END_PIXELS = 64;
/** From here on there is a button that leads to the end. */
const FAR_FROM_END_PIXELS = 300;
const COPIED_SECONDS = 1.5;
/** A browser has begun to save a file by then. */
const SAVED_SECONDS = 30;
const ANNOUNCEMENT_SECONDS = 1.5;

// Scrolling. The view stays at the end while the reader is there, and moves nowhere else.

const view = byId("content");
const messages = byId("messages");
const toEnd = byId("to-end");
let isAtEnd = true;
/** Whether text has come below since the reader left the end. */
let hasNewText = false;
/** The height of all messages when the view last followed them, in pixels. */
let height = 0;
/** The text at the top of the view before earlier messages come above it, and where it is. */
let anchor = null;

/**
 * Whether the end of a scrolled element is in view, or almost.
 * @param {Pick<Element, "scrollHeight" | "scrollTop" | "clientHeight">} element
 * @returns {boolean}
 */
export function isNearEnd(element) {
  return distanceToEnd(element) < NEAR_END_PIXELS;
}

const distanceToEnd = ({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight;

/** Show the end of the conversation, and stay there while text comes. */
export function scrollToEnd() {
  isAtEnd = true;
  follow();
}

/** Stay at this place, even where it is the end and what stands there grows. */
export function leaveEnd() {
  isAtEnd = false;
}

function follow() {
  if (!messages) return;
  if (isAtEnd) view.scrollTop = view.scrollHeight;
  else hasNewText ||= view.scrollHeight > height && Boolean(messages.querySelector(".writing"));
  height = view.scrollHeight;
  showWayToEnd();
}

/** The button to the end says whether text grows there. */
function showWayToEnd() {
  hasNewText &&= !isAtEnd && pendingReplies().size > 0;
  toEnd.classList.toggle("has-new", hasNewText);
  toEnd.hidden = !hasNewText && distanceToEnd(view) <= FAR_FROM_END_PIXELS;
}

function onScroll() {
  isAtEnd = isNearEnd(view);
  showWayToEnd();
}

function onToEnd() {
  scrollToEnd();
  byId(isTouch ? "content" : "text")?.focus({ preventScroll: true });
}

if (messages) {
  height = view.scrollHeight;
  if (byId(location.hash.slice(1))) onScroll();
  view.addEventListener("scroll", onScroll);
  const observer = new ResizeObserver(follow);
  observer.observe(messages);
  observer.observe(view);
  toEnd.addEventListener("click", onToEnd);
  onHtmx("settled", showWayToEnd);
}

// Earlier messages come above: what is read stays where it is.
onHtmx("swapping", ({ source }) => {
  if (source.id !== "earlier") return;
  const top = view.getBoundingClientRect().top;
  const text = [...messages.querySelectorAll(".turn .text")].find((it) => it.getBoundingClientRect().bottom > top);
  anchor = text ? { text, top: text.getBoundingClientRect().top } : null;
});
onHtmx("swapped", () => {
  if (!anchor) return;
  view.scrollTop += anchor.text.getBoundingClientRect().top - anchor.top;
  height = view.scrollHeight;
  anchor = null;
});

// A screen reader does not say words that replace equal words, so an announcement goes once it was said.
const status = byId("status");
let clearing = 0;
function clearLater() {
  clearTimeout(clearing);
  if (!status.textContent) return;
  clearing = setTimeout(() => status.replaceChildren(), 1000 * ANNOUNCEMENT_SECONDS);
}
if (status) new MutationObserver(clearLater).observe(status, { childList: true });

// Copying

/**
 * Copy a text to the clipboard.
 * @param {string} text
 * @param {string} html The same with its format, for programs that take it.
 * @returns {Promise<boolean>} Whether the browser allowed it.
 */
export async function copy(text, html = "") {
  try {
    if (html && "ClipboardItem" in globalThis) await copyFormatted(text, html);
    else await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS there is no clipboard, and a person may have refused it.
    return copyBySelection(text);
  }
}

function copyFormatted(text, html) {
  const blobs = Object.entries({ "text/plain": text, "text/html": html }).map(([type, part]) => {
    return [type, new Blob([part], { type })];
  });
  return navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
}

function copyBySelection(text) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    before?.focus({ preventScroll: true });
  }
}

async function onCopyButton(button) {
  const source = button.closest(".code, .turn, .reply")?.querySelector("code, .text");
  const html = button.dataset.copy ? formatted(source) : "";
  if (await copy(button.dataset.copy ?? writtenText(source), html)) {
    announce(wording.copied);
    return showCopied(button);
  }
  if (source) getSelection().selectAllChildren(source);
  showNotCopied();
}

/** Say which keys copy what is selected. */
export function showNotCopied() {
  showRefusal(wording["not-copied"].replace("{keys}", isApple ? "⌘C" : wording["copy-keys"]));
}

/** A reply without the labels and buttons that are ours. */
function formatted(source) {
  const copied = source.cloneNode(true);
  for (const ours of copied.querySelectorAll("figcaption, .visually-hidden")) ours.remove();
  return copied.innerHTML;
}

/** What was written in a message or in code: all text but the labels of attached files. */
function writtenText(source) {
  const copied = source.cloneNode(true);
  for (const label of copied.querySelectorAll("summary")) label.remove();
  return copied.textContent;
}

/**
 * Let a button say for a moment that its text was copied.
 * @param {Element} button
 */
export function showCopied(button) {
  const show = (/** @type {boolean} */ isCopied) => {
    button.classList.toggle("copied", isCopied);
    button.querySelector("use")?.setAttribute("href", isCopied ? "#i-check" : "#i-copy");
  };
  show(true);
  setTimeout(show, 1000 * COPIED_SECONDS, false);
}

// Code blocks: lines are wrapped or not, which this browser remembers, and a block can be saved as a file.

/** Marks the whole page, so that it also holds for code that comes later. */
const WRAPS_CODE = "wraps-code";
document.documentElement.classList.toggle(WRAPS_CODE, readStored(WRAPS_CODE) === "yes");

function onWrapButton() {
  const wraps = document.documentElement.classList.toggle(WRAPS_CODE);
  writeStored(WRAPS_CODE, wraps ? "yes" : "no");
  announce(wording[wraps ? "wrapped" : "not-wrapped"]);
}

function onDownloadButton(button) {
  const code = button.closest(".code").querySelector("code").textContent;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([code], { type: "text/plain;charset=utf-8" }));
  link.download = button.value;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000 * SAVED_SECONDS);
}

const buttons = { ".copy": onCopyButton, ".code .wrap": onWrapButton, ".code .download": onDownloadButton };
document.addEventListener("click", ({ target }) => {
  for (const [selector, act] of Object.entries(buttons)) {
    const button = /** @type {Element} */ (target).closest?.(selector);
    if (button) act(button);
  }
});

/**
 * The text of a selection within code or within a message. A browser would copy plain spaces for those that do not
 * break, and colours.
 * @param {Range} selected
 * @returns {string} Empty where the browser's own copy is right.
 */
export function exactText(selected) {
  const range = selected.cloneRange();
  const around = range.commonAncestorContainer;
  const box = /** @type {Element} */ (around.nodeType === Node.ELEMENT_NODE ? around : around.parentElement);
  const code = box.closest(".markdown .code")?.querySelector("code");
  if (code) {
    // The selection may begin or end beside the code, at its label or its edge.
    if (range.comparePoint(code, 0) === 0) range.setStart(code, 0);
    const end = code.childNodes.length;
    if (range.comparePoint(code, end) === 0) range.setEnd(code, end);
  }
  const message = box.closest(".message .text");
  if (message?.querySelector("summary")) return writtenText(range.cloneContents());
  return (code ?? message ?? box.closest(".markdown code")) ? range.toString() : "";
}

/**
 * The text of a selection with its formulas and boxes as they were written.
 * @param {Range} selected
 * @returns {string} Empty where it has none.
 */
export function textAsWritten(selected) {
  const range = selected.cloneRange();
  const formulaAt = (/** @type {Node} */ node) =>
    (node instanceof Element ? node : node.parentElement)?.closest(".math[data-tex]");
  const [first, last] = [range.startContainer, range.endContainer].map(formulaAt);
  if (first) range.setStartBefore(first);
  if (last) range.setEndAfter(last);
  const part = document.createElement("div");
  part.append(range.cloneContents());
  if (!part.querySelector(".math[data-tex], .box")) return "";
  for (const box of part.querySelectorAll(".box")) box.replaceWith(box.matches("[checked]") ? "[x]" : "[ ]");
  for (const formula of part.querySelectorAll(".math[data-tex]")) {
    formula.textContent = formula.getAttribute("data-tex");
    formula.removeAttribute("data-tex"); // what is written keeps its lines
  }
  for (const ours of part.querySelectorAll("figcaption, .tools, .visually-hidden")) ours.remove();
  // Only what is laid out has lines, and a screen reader says nothing of it within this moment.
  part.className = "markdown visually-hidden";
  document.body.append(part);
  const text = part.innerText;
  part.remove();
  return text.trimEnd();
}

document.addEventListener("copy", (event) => {
  const selection = getSelection();
  if (selection.isCollapsed || selection.rangeCount !== 1) return;
  const range = selection.getRangeAt(0);
  const text = exactText(range) || textAsWritten(range);
  if (!text) return;
  event.clipboardData.setData("text/plain", text);
  event.preventDefault();
});
