/**
 * Text files that are attached to a message. They are read in this browser, shown as chips above the message box, and
 * put before the typed text, each in a fence with its name (chat/attached_files.py); nothing else is sent.
 *
 * This module is loaded once there is a file.
 */

import { attachWith } from "./composer.js";
import { announce, byId, lengthOf, normalized, numberText, showRefusal, wording } from "./page.js";

const NAME_CHARACTERS_MAX = 80;
/** A character takes up to so many bytes. */
const CHARACTER_BYTES_MAX = 4;
const HEADER = /(`{3,})([a-z0-9+#-]*) title="([^"\n]{1,100})"\n/uy;
/** Controls that no text has, but those of a terminal, of a page break and of the end of an old file. */
const BINARY = /[\0-\x08\x0e-\x19\x1c-\x1f]/;

/**
 * @typedef {object} AttachedFile
 * @property {string} name
 * @property {string} content
 * @property {boolean} [isLatin1] Whether it was read as Latin-1, because it is not UTF-8.
 */

// Files in a text

/**
 * The text that stands for a file in a message.
 * @param {AttachedFile} file
 * @returns {string}
 */
export function fenced({ name, content }) {
  let longest = 2;
  for (const [run] of content.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  const fence = "`".repeat(longest + 1);
  const [, extension] = name.match(/\.([a-z0-9+#-]{1,12})$/i) ?? [];
  const end = content && !content.endsWith("\n") ? "\n" : "";
  return `${fence}${extension?.toLowerCase() ?? "text"} title="${name}"\n${content}${end}${fence}`;
}

/**
 * Take the files out of a message that begins with them.
 * @param {string} text
 * @returns {{files: (AttachedFile & {opening: string, closing: string})[], rest: string}}
 */
export function split(text) {
  const files = [];
  let place = 0;
  for (;;) {
    HEADER.lastIndex = place;
    const header = HEADER.exec(text);
    if (!header) break;
    const begin = HEADER.lastIndex;
    const close = new RegExp(`^${header[1]}(?:\\n{1,2}|(?![^]))`, "gm");
    close.lastIndex = begin;
    const end = close.exec(text);
    if (!end) break;
    files.push({ name: header[3], content: text.slice(begin, end.index), opening: header[0], closing: end[0] });
    place = close.lastIndex;
  }
  return { files, rest: text.slice(place) };
}

/**
 * A name in the info string of a fence: without what could end it or reorder its letters.
 * @param {string} name
 * @returns {string}
 */
export function cleanName(name) {
  const clean = name.replace(/["`\p{C}\p{Zl}\p{Zp}]/gu, "_").trim() || "text";
  const letters = [...clean];
  if (letters.length <= NAME_CHARACTERS_MAX) return clean;
  const half = NAME_CHARACTERS_MAX / 2;
  return `${letters.slice(0, half).join("")}…${letters.slice(1 - half).join("")}`;
}

/**
 * Read bytes as text: UTF-8, UTF-16 with a byte order mark, or else Latin-1.
 * @param {Uint8Array} bytes
 * @returns {{content: string, isLatin1: boolean} | null} Null where they are no text.
 */
export function decode(bytes) {
  const mark = `${bytes[0]} ${bytes[1]}`;
  const utf16 = { "255 254": "utf-16le", "254 255": "utf-16be" }[mark];
  const read = (encoding) => new TextDecoder(encoding, { fatal: true }).decode(bytes).replace(/\r\n?/g, "\n");
  for (const encoding of utf16 ? [utf16] : ["utf-8", "windows-1252"]) {
    try {
      const content = read(encoding);
      return BINARY.test(content) ? null : { content, isLatin1: encoding === "windows-1252" };
    } catch {
      continue;
    }
  }
  return null;
}

// The files of the message in the box

const box = byId("text");
const chips = byId("files");
const limit = Number(byId("counter").dataset.limit);
const filesMax = Number(byId("attach")?.dataset.max ?? 0);
/** @type {AttachedFile[]} */
let files = [];

/**
 * A message of files and a text.
 * @param {AttachedFile[]} before
 * @param {string} text
 * @returns {string}
 */
export const joined = (before, text) => [...before.map(fenced), text].filter(Boolean).join("\n\n");

const withFiles = (text) => joined(files, text);

function takeFiles(text) {
  const { files: found, rest } = split(text);
  const isLatin1 = (file) => files.some(({ name, isLatin1: was }) => was && name === file.name);
  files = found.map((file) => ({ ...file, isLatin1: isLatin1(file) }));
  showChips();
  return rest;
}

/** A size in kilobytes, as the server writes it; in megabytes where a file is refused for it. */
function sizeOf(bytes) {
  const kilobytes = Math.max(0.1, bytes / 1000);
  const [unit, count] = kilobytes < 1000 ? ["kilobytes", kilobytes] : ["megabytes", kilobytes / 1000];
  const options = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return wording[unit].replace("{count}", numberText(count, options));
}

const bytesOf = (content) => new TextEncoder().encode(content).length;
const filled = (message, values) => message.replace(/\{(\w+)\}/g, (_, key) => values[key]);

function showChips() {
  chips.hidden = !files.length;
  chips.replaceChildren(...files.map((file, index) => chip(file, () => remove(index))));
}

/**
 * The chip of a file, with a button that takes it away.
 * @param {AttachedFile} file
 * @param {() => void} onRemove
 * @returns {HTMLElement}
 */
export function chip(file, onRemove) {
  const item = byId("file-chip").content.cloneNode(true).firstElementChild;
  showName(item, file);
  item.querySelector(".size").textContent = sizeOf(bytesOf(file.content)) + (file.isLatin1 ? " · Latin-1" : "");
  const button = item.querySelector("button");
  button.setAttribute("aria-label", filled(wording["remove-file"], file));
  button.addEventListener("click", onRemove);
  return item;
}

/** A name that is too long for its chip is read by pointing at it. */
function showName(part, { name }) {
  const words = part.querySelector(".name");
  words.textContent = words.title = name;
}

function remove(index) {
  const [{ name }] = files.splice(index, 1);
  changed(filled(wording["file-removed"], { name }));
  (chips.querySelectorAll("button")[Math.min(index, files.length - 1)] ?? box).focus();
}

/** The composer keeps the draft and counts, as after a key. */
function changed(said) {
  showChips();
  box.dispatchEvent(new Event("input", { bubbles: true }));
  announce(said);
}

// Attaching

/** Let the person choose files. */
export function choose() {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.addEventListener("change", () => attach([...(input.files ?? [])].map((file) => ({ file }))));
  input.click();
}

/**
 * Attach files, and say why some of them are not.
 * @param {{file: File | null, isFolder?: boolean}[]} chosen
 */
export async function attach(chosen) {
  const [added, problems] = [[], []];
  for (const one of chosen) {
    const problem = await add(one);
    if (problem) problems.push(filled(wording[problem.reason], problem));
    else added.push(files.at(-1));
  }
  const notes = added.map((file) => filled(wording[file.isLatin1 ? "file-latin-1" : "file-attached"], file));
  if (added.length) changed(notes.join(" "));
  showRefusal(problems.join(" "));
  box.focus({ preventScroll: true });
}

/** Add one file. @returns {Promise<{reason: string} & Record<string, string> | null>} Why it cannot be attached. */
async function add({ file, isFolder }) {
  const name = cleanName(file?.name ?? "");
  if (isFolder || !file) return { reason: "file-folder", name };
  if (files.length >= filesMax) return { reason: "file-too-many", name, limit: numberText(filesMax) };
  if (file.size > CHARACTER_BYTES_MAX * limit) {
    return { reason: "file-huge", name, size: sizeOf(file.size), limit: numberText(limit) };
  }
  const bytes = await file.arrayBuffer().catch(() => null);
  if (!bytes) return { reason: "file-unreadable", name };
  const text = decode(new Uint8Array(bytes));
  if (!text) return { reason: "file-binary", name };
  if (!text.content.trim()) return { reason: "file-empty", name };
  const room = roomWith({ name, ...text });
  if (room >= 0) {
    files.push({ name, ...text });
    return null;
  }
  const count = lengthOf(text.content);
  const left = Math.max(0, count + room);
  return { reason: "file-too-large", name, count: numberText(count), room: numberText(left) };
}

/** The characters that a message with one more file may still have; negative for too many. */
function roomWith(file) {
  const text = [...files, file].map(fenced).concat(box.value).filter(Boolean).join("\n\n");
  return limit - lengthOf(normalized(text));
}

// Files in a message that is on its way

/** Show the files of a message as the server shows them (templates/messages/_attached_file.html). */
function show(element) {
  const { files: found, rest } = split(element.textContent);
  const parts = found.map((file) => {
    const part = byId("attached-file").content.cloneNode(true);
    showName(part, file);
    part.querySelector(".size").textContent = sizeOf(bytesOf(file.content));
    const [opening, closing] = part.querySelectorAll("[hidden]");
    opening.textContent = file.opening;
    closing.textContent = file.closing;
    part.querySelector("code").textContent = file.content;
    return part;
  });
  if (!parts.length) return;
  const typed = document.createElement("span");
  typed.textContent = rest;
  element.replaceChildren(...parts, typed);
}

// While files are dragged over the page, the composer says that they can be dropped.
const composer = byId("composer");
const showTarget = (isOver) => composer.classList.toggle("drop", isOver);
document.addEventListener("dragover", ({ dataTransfer }) => showTarget(dataTransfer?.types.includes("Files") ?? false));
document.addEventListener("dragleave", ({ relatedTarget }) => relatedTarget || showTarget(false));
document.addEventListener("drop", () => showTarget(false));

attachWith({ withFiles, takeFiles, show });
