/**
 * Replies that grow. The server renders them: what is settled is added once and stays, the tail behind it is replaced.
 * New words appear evenly until the next ones come. The finished reply replaces only what differs from it.
 */

import { byId } from "./page.js";
import { keepSelection } from "./selection.js";

/** New words are spread over the time since the last ones came, but not over less or more. */
const MIN_REVEAL_MS = 100;
const MAX_REVEAL_MS = 220;
/** Of a longer piece only the end is spread: a page that comes late does not lag. */
const MAX_REVEAL_CHARACTERS = 600;
/** Elements whose children are compared one by one with those of the finished reply. */
const CONTAINERS = "ul, ol, blockquote, div.table, table, tbody";

/**
 * @typedef {object} Growth
 * @property {ChildNode[]} tail The nodes of the tail, which the next text replaces.
 * @property {number} from How many characters were visible when text came last.
 * @property {number} total How many there are.
 * @property {number} cameAt When text came last, in milliseconds.
 * @property {number} duration Over how many milliseconds it is spread.
 * @property {Range} hidden The words that are still to appear.
 * @property {Element[]} ahead The elements that have only such words.
 */

/** @type {Map<HTMLElement, Growth>} By the element that holds the text. */
const growths = new Map();

// Placing

/**
 * Add what a fragment holds at the ends of the last elements of a text.
 * @param {Element} target
 * @param {Element} source
 * @param {number} depth So many of the first elements of `source` stand for the last ones of `target`.
 * @returns {ChildNode[]} What was added.
 */
export function graft(target, source, depth) {
  const nodes = [...source.childNodes];
  const open = depth > 0 ? source.firstElementChild : null;
  const inner = open && target.lastElementChild ? graft(target.lastElementChild, open, depth - 1) : [];
  const added = open ? nodes.slice(nodes.indexOf(open) + 1) : nodes;
  target.append(...added);
  return [...inner, ...added];
}

function take(slot) {
  const text = byId(slot.id.replace("growth-", "text-"));
  const [settled, tail] = slot.children;
  slot.replaceChildren();
  if (!text) return;
  if (!growths.has(text)) {
    forgetOthers();
    growths.set(text, newGrowth());
  }
  const growth = growths.get(text);
  const visible = visibleCharacters(growth);
  keepSelection(text, growth.tail, () => place(text, growth, settled, tail));
  addCursor(text, growth);
  reveal(text, growth, visible);
}

/** Forget texts that left the page or are finished. */
function forgetOthers() {
  for (const [text, growth] of growths) {
    if (text.isConnected && text.id) continue;
    showAll(text, growth);
    growths.delete(text);
  }
}

function newGrowth() {
  return { tail: [], from: 0, total: 0, cameAt: 0, duration: 0, hidden: new Range(), ahead: [] };
}

function place(text, growth, settled, tail) {
  for (const node of growth.tail) node.remove();
  if ("replaces" in settled.dataset) text.replaceChildren();
  graft(text, settled, Number(settled.dataset.depth));
  growth.tail = graft(text, tail, Number(tail.dataset.depth));
}

/** The mark of a reply that is being written, behind its last word. */
function addCursor(text, growth) {
  const last = lastText(text);
  if (!last || last.parentElement.closest("button")) return;
  const cursor = document.createElement("span");
  cursor.className = "cursor";
  (last.parentElement.closest("math") ?? last).after(cursor);
  growth.tail.push(cursor);
}

function lastText(text) {
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let found = /** @type {Text | null} */ (lastOf(walker));
  while (found && !found.data.trim()) found = /** @type {Text | null} */ (walker.previousNode());
  return found;
}

function lastOf(walker) {
  while (walker.lastChild());
  return walker.currentNode === walker.root ? null : walker.currentNode;
}

// Appearing. Words that are still to appear are there, for screen readers and for the layout, and are transparent.

const arriving = "Highlight" in globalThis ? new Highlight() : null;
if (arriving) CSS.highlights.set("arriving", arriving);
const isStill = matchMedia("(prefers-reduced-motion: reduce)");
let frame = 0;

/**
 * How many characters are visible at a time.
 * @param {Pick<Growth, "from" | "total" | "cameAt" | "duration">} growth
 * @returns {number} Not rounded.
 */
export function visibleCharacters({ from, total, cameAt, duration }, now = performance.now()) {
  return from + (total - from) * Math.min(1, (now - cameAt) / (duration || 1));
}

function reveal(text, growth, visible) {
  const now = performance.now();
  growth.duration = Math.min(MAX_REVEAL_MS, Math.max(MIN_REVEAL_MS, now - growth.cameAt));
  growth.cameAt = now;
  growth.total = text.textContent.length;
  growth.from = Math.max(Math.min(visible, growth.total), growth.total - MAX_REVEAL_CHARACTERS);
  if (!arriving || isStill.matches || document.hidden) return showAll(text, growth);
  hide(text, growth, growth.from);
  frame ||= requestAnimationFrame(advance);
}

function showAll(text, growth) {
  growth.from = growth.total;
  arriving?.delete(growth.hidden);
  text.classList.remove("arriving");
  for (const element of growth.ahead) element.removeAttribute("data-ahead");
  growth.ahead = [];
}

/** Leave the words behind so many characters transparent. */
function hide(text, growth, visible) {
  let rest = growth.total - Math.floor(visible);
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let node = /** @type {Text | null} */ (lastOf(walker));
  while (node && rest > node.length) {
    rest -= node.length;
    node = /** @type {Text | null} */ (walker.previousNode());
  }
  if (!node || rest <= 0) return showAll(text, growth);
  const space = node.data.indexOf(" ", node.length - rest);
  growth.hidden.setStart(node, space < 0 ? node.length : space);
  growth.hidden.setEndAfter(text.lastChild);
  arriving.add(growth.hidden);
  text.classList.add("arriving");
  hideBoxes(text, growth, node);
}

/** Hide boxes, markers and lines of elements that have no visible word yet. */
function hideBoxes(text, growth, node) {
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_ELEMENT);
  walker.currentNode = node;
  const ahead = growth.hidden.startOffset === 0 && node.parentElement !== text ? [node.parentElement] : [];
  while (walker.nextNode()) ahead.push(/** @type {Element} */ (walker.currentNode));
  for (const element of growth.ahead) element.toggleAttribute("data-ahead", ahead.includes(element));
  for (const element of ahead) element.setAttribute("data-ahead", "");
  growth.ahead = ahead;
}

function showAllNow() {
  for (const [text, growth] of growths) showAll(text, growth);
}

function advance(now) {
  frame = 0;
  for (const [text, growth] of growths) {
    if (!arriving.has(growth.hidden)) continue;
    if (text.isConnected) hide(text, growth, visibleCharacters(growth, now));
    else showAll(text, growth);
  }
  if (arriving.size) frame ||= requestAnimationFrame(advance);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) showAllNow();
});

// Ending. What the finished reply has in common with the grown one stays, and with it a selection and the reader's
// place. (Under htmx 4, whose event is another one, the reply is replaced as a whole.)

/** HTML without white space beside tags: a grown text may lack some between blocks. */
const canonical = (element) => element.outerHTML.replace(/\s*(<[^>]*>)\s*/g, "$1");

/**
 * List what has to be done to make one element look like another.
 * @param {Element} grown
 * @param {Element} finished
 * @returns {[Element, Element | null, Element | null][]} Parent, old and new child; null where there is none.
 */
export function differences(grown, finished) {
  const [old, wanted] = [[...grown.children], [...finished.children]];
  const found = [];
  for (let index = 0; index < Math.max(old.length, wanted.length); index += 1) {
    const [one, other] = [old[index] ?? null, wanted[index] ?? null];
    if (one && other && canonical(one) === canonical(other)) continue;
    if (one && other && isSameContainer(one, other)) found.push(...differences(one, other));
    else found.push([grown, one, other]);
  }
  return found;
}

function isSameContainer(one, other) {
  const [shell, otherShell] = [one.cloneNode(), other.cloneNode()];
  return one.matches(CONTAINERS) && shell.isEqualNode(otherShell);
}

function change([parent, old, next]) {
  if (old && next) old.replaceWith(next);
  else if (next) parent.append(next);
  else old.remove();
}

function finish(reply, finished) {
  const text = /** @type {HTMLElement} */ (reply.querySelector(".text"));
  if (growths.has(text)) showAll(text, growths.get(text));
  const wanted = finished.querySelector(".text");
  for (const cursor of text.querySelectorAll(".cursor")) cursor.remove();
  const changes = differences(text, wanted);
  const old = changes.flatMap(([, one]) => (one ? [one] : []));
  keepSelection(text, old, () => changes.forEach(change));
  for (const child of [...reply.children]) if (child !== text) child.remove();
  const around = [...finished.children];
  const place = around.indexOf(wanted);
  text.before(...around.slice(0, place));
  text.after(...around.slice(place + 1));
  text.removeAttribute("id");
  text.className = wanted.className;
  reply.className = finished.className;
  htmx.process(reply);
}

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const reply = detail.target;
  const next = detail.fragment.firstElementChild;
  const hasEnded = next?.matches(".reply:not(.pending)") && reply.matches(".reply.pending");
  if (!hasEnded || !reply.querySelector(".text")?.firstChild || !next.querySelector(".text")) return;
  detail.shouldSwap = false;
  finish(reply, next);
});

// Answers fill the slots of replies (templates/replies/_text_growth.html), as the page itself does.

const messages = byId("messages");

function takeAll() {
  for (const slot of document.querySelectorAll(".growth:not(:empty)")) take(slot);
}

if (messages) {
  takeAll();
  showAllNow();
  new MutationObserver(takeAll).observe(messages, { childList: true, subtree: true });
}
