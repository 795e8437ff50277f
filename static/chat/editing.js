/**
 * Editing a message or a reply in place. The server brings the editor (templates/messages/_editor.html). Here are its
 * keys and its draft, where the focus goes, and what happens when the conversation changes at the same time.
 */

import { HAS_FILE } from "./composer.js";
import { readDraft, saveDraft } from "./drafts.js";
import { leaveEnd, scrollToEnd } from "./messages.js";
import { byId, fieldsOf, isSuccess, isTouch, onHtmx, showRefusal, wording } from "./page.js";
import { catchUp, forgetMessages } from "./poller.js";

/** An editor whose text was accepted is hidden until the messages are swapped. */
const openEditor = () => document.querySelector(".editor:not([hidden])");
const isEditor = ({ source }) => source.matches?.(".editor");
const isEditLink = ({ source }) => source.matches?.(".turn .change");
/** The message or reply that an editor is for. */
const turnOf = (editor) => editor.closest(".turn");
const isOfReply = (editor) => turnOf(editor)?.matches(".reply");
const boxOf = (editor) => editor.querySelector("textarea");

/** The whole text of an editor; editor_files.js knows it, once a message has a file. */
let textOf = (editor) => boxOf(editor).value;

/** Show the files of a message as chips. */
async function showFiles(editor) {
  if (isOfReply(editor) || !HAS_FILE.test(boxOf(editor).value)) return;
  const { takeFiles, wholeText } = await import("./editor_files.js");
  textOf = wholeText;
  takeFiles(editor);
}

/** What opens the editor: a link, which for a held message is in its reply; the menu of a reply. */
function linkOf(message) {
  if (message.matches(".reply")) return message.querySelector(".menu-button");
  const next = message.nextElementSibling;
  return (next?.matches(".held") ? next : message).querySelector(".change");
}

function open(editor) {
  for (const other of document.querySelectorAll(".editor")) if (other !== editor) other.remove();
  // What was refused below the message box, such as a file, is not about this message.
  showRefusal("");
  // At once, not when the swap has settled: keys that come sooner must not load the page.
  htmx.process(editor);
  const message = turnOf(editor);
  editor.dataset.draft = `${location.pathname}?edit=${message.id}`;
  const box = boxOf(editor);
  box.value = readDraft(editor.dataset.draft) || box.value;
  box.focus({ preventScroll: true });
  box.setSelectionRange(box.value.length, box.value.length);
  showFiles(editor);
  // Where it is in view already, nothing moves.
  editor.scrollIntoView({ block: "nearest" });
}

function close(editor) {
  const message = turnOf(editor);
  saveDraft("", editor.dataset.draft);
  editor.remove();
  linkOf(message)?.focus({ preventScroll: true });
  byId("content").dispatchEvent(new Event("scroll"));
  catchUp();
}

// The message keeps its place while its editor opens, also where the view followed the end.
onHtmx("swapping", (request) => {
  if (isEditLink(request)) leaveEnd();
  if (isEditor(request) && isSuccess(request.status)) request.source.hidden = true;
});
onHtmx("swapped", (request) => {
  const editor = isEditLink(request) && document.querySelector(".editor:not([data-draft])");
  if (editor) open(editor);
});

onHtmx("configured", (request, event) => {
  if (isEditor(request)) fieldsOf(event).set("text", textOf(request.source));
});

onHtmx("finished", (request) => {
  const { source, status } = request;
  if (!isEditor(request) || !isSuccess(status)) return;
  saveDraft("", source.dataset.draft);
  // The version that an edited reply has become has the focus by then (keyboard.js).
  if (source.dataset.then) return source.remove();
  const message = document.querySelector(`[id="${source.id.replace("editor-", "message-")}"]`);
  source.remove();
  if (message) return linkOf(message)?.focus({ preventScroll: true });
  scrollToEnd();
  if (!isTouch) byId("text")?.focus({ preventScroll: true });
});

// A refused editor comes back with what was typed.
onHtmx("settled", (request) => {
  if (!isEditor(request) || isSuccess(request.status)) return;
  const editor = openEditor();
  if (!editor) return;
  editor.dataset.draft ??= request.source.dataset.draft;
  boxOf(editor).focus({ preventScroll: true });
  showFiles(editor);
});

// What changes meanwhile. The editor moves into the new message; where that is gone, all messages wait for the editor.

function carryOver(editor, next) {
  const box = boxOf(editor);
  const { selectionStart, selectionEnd } = box;
  const hadFocus = document.activeElement === box;
  next.append(editor);
  setTimeout(() => {
    if (hadFocus) box.focus({ preventScroll: true });
    box.setSelectionRange(selectionStart, selectionEnd);
  });
}

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = /** @type {CustomEvent} */ (event).detail;
  const editor = openEditor();
  if (!editor || editor === target || !target.contains(editor)) return;
  if (target.id === "messages" && !fragment.matches(".all")) return; // further messages
  const next = fragment.querySelector(`[id="${turnOf(editor).id}"]`);
  if (next) return carryOver(editor, next);
  event.preventDefault();
  forgetMessages();
  tell(editor, wording["message-gone"]);
});

onHtmx("changed", () => {
  const editor = openEditor();
  const isHeld = editor && turnOf(editor).nextElementSibling?.matches(".held");
  if (editor?.querySelector("[name=version]") && !isHeld) tell(editor, wording["turn-came"]);
});

/** Say it once: each change of an alert is read out. */
function tell(editor, message) {
  const refusal = editor.querySelector(".refusal");
  if (refusal.textContent !== message) showRefusal(message, refusal);
}

// Keys and buttons

document.addEventListener("keydown", (event) => {
  const editor = /** @type {Element} */ (event.target).closest?.(".editor");
  if (!editor || event.isComposing) return;
  if (event.key === "Escape" && !event.shiftKey) close(editor);
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) editor.requestSubmit();
  else return;
  event.preventDefault();
});

document.addEventListener("click", ({ target }) => {
  const button = /** @type {Element} */ (target).closest?.(".editor [data-cancel]");
  if (button) close(button.closest(".editor"));
});

document.addEventListener("input", ({ target }) => {
  const editor = /** @type {Element} */ (target).closest(".editor");
  if (!editor) return;
  saveDraft(textOf(editor), editor.dataset.draft);
  showRefusal("", editor.querySelector(".refusal"));
});
