/**
 * Files in a message that is edited in place: chips above its text, as above the message box.
 *
 * This module is loaded once such a message has a file.
 */

import { chip, joined, split } from "./attachments.js";
import { announce, wording } from "./page.js";

/** @type {WeakMap<Element, import("./attachments.js").AttachedFile[]>} */
const filesOf = new WeakMap();

const boxOf = (editor) => editor.querySelector("textarea");

/**
 * The whole text of an editor: its files, and what its box has.
 * @param {Element} editor
 * @returns {string}
 */
export function wholeText(editor) {
  return joined(filesOf.get(editor) ?? [], boxOf(editor).value);
}

/**
 * Take the files out of the box of an editor, and show them as chips.
 * @param {Element} editor
 */
export function takeFiles(editor) {
  const box = boxOf(editor);
  const { files, rest } = split(box.value);
  const behind = box.value.length - box.selectionEnd;
  filesOf.set(editor, files);
  box.value = rest;
  box.setSelectionRange(rest.length - behind, rest.length - behind);
  showChips(editor);
}

function showChips(editor) {
  const files = filesOf.get(editor) ?? [];
  const list = editor.querySelector(".files");
  list.hidden = !files.length;
  list.replaceChildren(...files.map((file) => chip(file, () => remove(editor, file))));
}

function remove(editor, file) {
  const left = (filesOf.get(editor) ?? []).filter((one) => one !== file);
  filesOf.set(editor, left);
  showChips(editor);
  const box = boxOf(editor);
  box.dispatchEvent(new Event("input", { bubbles: true })); // keeps the draft
  announce(wording["file-removed"].replace("{name}", file.name));
  (editor.querySelector(".files button") ?? box).focus();
}
