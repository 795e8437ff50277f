/**
 * What the menu of a reply does in the browser: copying Markdown, reading aloud, comparing replies, details. And times,
 * which grow old.
 */

import { copy, leaveEnd, showCopied, showNotCopied } from "./messages.js";
import { announce, isSuccess, onHtmx, wording } from "./page.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function onCopyMarkdown(button) {
  const copyButton = button.closest(".tools").querySelector(".copy");
  if (!(await copy(copyButton.dataset.copy))) return showNotCopied();
  announce(wording.copied);
  showCopied(copyButton);
}

// Reading aloud

const speech = globalThis.speechSynthesis;
document.documentElement.classList.toggle("can-speak", Boolean(speech));

/**
 * The paragraphs of a reply, without the labels and buttons that are ours.
 * @param {Element} text
 * @returns {string[]}
 */
export function paragraphsOf(text) {
  const paragraphs = [];
  let last = null;
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data, parentElement } = /** @type {Text} */ (walker.currentNode);
    if (parentElement.closest("figcaption, .visually-hidden")) continue;
    const block = parentElement.closest("p, li, h4, h5, h6, th, td, pre") ?? text;
    if (block === last) paragraphs.push(paragraphs.pop() + data);
    else paragraphs.push(data);
    last = block;
  }
  return paragraphs.map((paragraph) => paragraph.trim()).filter(Boolean);
}

function stopSpeaking() {
  speech.cancel();
  for (const reply of document.querySelectorAll(".reply.speaking")) reply.classList.remove("speaking");
}

function onSpeak(button) {
  const reply = button.closest(".reply");
  const wasSpeaking = reply.matches(".speaking");
  stopSpeaking();
  if (wasSpeaking) return;
  reply.classList.add("speaking");
  // A browser may stop within a long text, so each paragraph is one.
  const utterances = paragraphsOf(reply.querySelector(".text")).map((part) => new SpeechSynthesisUtterance(part));
  utterances.at(-1)?.addEventListener("end", () => reply.classList.remove("speaking"));
  for (const utterance of utterances) {
    utterance.lang = document.documentElement.lang;
    speech.speak(utterance);
  }
}
if (speech) addEventListener("pagehide", stopSpeaking);

// Details, which open below what may be the end of the view

onHtmx("finished", ({ source, status }) => {
  const panel = source.closest?.(".reply")?.querySelector(".panel");
  if (panel?.contains(document.activeElement) && isSuccess(status)) panel.scrollIntoView({ block: "nearest" });
});

// The form for a reason, which comes while its thumb keeps the focus. The thumb is another element by then.
onHtmx("finished", ({ source, status }) => {
  if (!source.matches?.(".thumbs button") || !isSuccess(status)) return;
  const panel = document.getElementById(source.id)?.closest(".reply").querySelector(".panel");
  if (panel?.childElementCount) panel.scrollIntoView({ block: "nearest" });
});

function onClose(button) {
  const panel = button.closest(".panel");
  panel.replaceChildren();
  panel.closest(".reply").querySelector(".menu-button").focus({ preventScroll: true });
}

const actions = { ".copy-markdown": onCopyMarkdown, ".speak": onSpeak, ".panel .close": onClose };
document.addEventListener("click", ({ target }) => {
  const clicked = /** @type {Element} */ (target);
  for (const [selector, act] of Object.entries(actions)) {
    const button = clicked.closest(selector);
    if (button) act(button);
  }
});

// Several replies come side by side: the reader begins at their beginning.

onHtmx("finished", ({ source, status }) => {
  if (!source.matches?.(".menu [name=count]") || !isSuccess(status)) return;
  leaveEnd();
  document.querySelector(".side-by-side")?.scrollIntoView({ block: "nearest" });
});

// Times

/**
 * How long ago something was, on the same day; the server says it of other days.
 * @param {number} moment In milliseconds since 1970.
 * @param {number} now Likewise.
 * @param {string} language
 * @returns {string} Empty for another day.
 */
export function timeAgo(moment, now, language) {
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const age = now - moment;
  if (age < MINUTE_MS) return format.format(0, "second");
  if (age < HOUR_MS) return format.format(-Math.floor(age / MINUTE_MS), "minute");
  const isToday = new Date(moment).toDateString() === new Date(now).toDateString();
  return isToday ? format.format(-Math.floor(age / HOUR_MS), "hour") : "";
}

function showTimes() {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll(".turn time"))) {
    const ago = timeAgo(Date.parse(time.dateTime), Date.now(), document.documentElement.lang);
    if (ago) time.textContent = ago;
  }
}
setInterval(showTimes, MINUTE_MS);
