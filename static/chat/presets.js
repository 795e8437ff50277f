/**
 * The presets that "/" offers in the empty message box: typing filters them, arrow keys move, Enter or a tap chooses,
 * and Escape leaves the text as it is. The focus stays in the box. The server brings the list
 * (templates/presets/_menu.html) each time. Loads with the first "/".
 */

import { announce, byId, isSuccess, onHtmx, wording } from "./page.js";

const GAP = 8;
const HEIGHT_MAX = 320;
/** With less room than this above the box, the list opens where there is more. */
const ROOM_MIN = 160;

const box = byId("text");
const composer = byId("composer");
/** The choice in the head of the empty page. */
const picker = byId("preset");
const list = document.createElement("div");
const said = document.createElement("p");
/** @type {HTMLElement | null} */
let active = null;
let isLoading = false;
/** Whether Enter was pressed before the list was there. */
let isChosenSoon = false;

const isAsking = () => box.value.startsWith("/") && !box.value.includes("\n");
const isOpen = () => list.matches(":popover-open");
const options = () => /** @type {HTMLButtonElement[]} */ ([...list.querySelectorAll("[role=option]")]);
const nameOf = (option) => option.querySelector(".title").textContent;

/** @param {HTMLElement | null | undefined} option */
function activate(option) {
  active?.setAttribute("aria-selected", "false");
  active = option ?? null;
  active?.setAttribute("aria-selected", "true");
  active?.scrollIntoView({ block: "nearest" });
  if (active) box.setAttribute("aria-activedescendant", active.id);
  else box.removeAttribute("aria-activedescendant");
}

function place() {
  if (!isOpen()) return;
  const { left, top, bottom, width } = composer.getBoundingClientRect();
  const height = document.documentElement.clientHeight;
  const isAbove = top > ROOM_MIN || top > height - bottom;
  const room = (isAbove ? top : height - bottom) - 2 * GAP;
  Object.assign(list.style, {
    left: `${left}px`,
    width: `${width}px`,
    maxHeight: `${Math.min(HEIGHT_MAX, room)}px`,
    top: isAbove ? "auto" : `${bottom + GAP}px`,
    bottom: isAbove ? `${height - top + GAP}px` : "auto",
  });
}

function close() {
  activate(null);
  if (isOpen()) list.hidePopover();
}

/** Show the presets whose names contain what is typed; none of them, and the list closes. */
function show() {
  const typed = box.value.slice(1).trim().toLowerCase();
  for (const option of options()) option.hidden = !nameOf(option).toLowerCase().includes(typed);
  const shown = options().filter(({ hidden }) => !hidden);
  if (!isAsking() || !shown.length || document.activeElement !== box) return close();
  if (!isOpen()) list.showPopover();
  place();
  activate(active && shown.includes(/** @type {any} */ (active)) ? active : shown[0]);
}

async function load() {
  const headers = { "HX-Request": "true", "Page-Language": document.documentElement.lang };
  const answer = await fetch(composer.dataset.presets, { headers });
  // A page to log in is no list.
  list.innerHTML = answer.ok && !answer.redirected ? await answer.text() : "";
  htmx.process(list);
}

/** Load the list and show it. Where it cannot be had, the text is one as any other. */
export async function offer() {
  if (isLoading) return;
  isLoading = true;
  await load().catch(() => list.replaceChildren());
  isLoading = false;
  show();
  if (isChosenSoon) {
    if (active) active.click();
    else composer.requestSubmit();
  }
  isChosenSoon = false;
}

function move(step) {
  const shown = options().filter(({ hidden }) => !hidden);
  const at = shown.indexOf(/** @type {any} */ (active));
  activate(shown[(at + step + shown.length) % shown.length]);
}

function onKey(event) {
  const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (event.target !== box || !isPlain || event.isComposing || event.keyCode === 229) return;
  if (isLoading && event.key === "Enter" && isAsking()) isChosenSoon = true;
  else if (!isOpen()) return;
  else if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Enter") active?.click();
  else if (event.key === "Escape") close();
  else return;
  // Neither is a message sent nor an older one edited.
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** @param {string} text Empty to say nothing any more. */
function say(text) {
  said.textContent = text;
  if (text) announce(text);
}

function pick(option) {
  const isKnown = [...picker.options].some(({ value }) => value === option.value);
  if (!isKnown) picker.add(new Option(nameOf(option), option.value));
  picker.value = option.value;
  announce(option.dataset.chosen);
}

// In a conversation htmx sends the option, as a button of a form.
function onClick({ target }) {
  const option = target.closest("[role=option]");
  if (!option) return;
  close();
  box.value = "";
  box.dispatchEvent(new Event("input", { bubbles: true }));
  if (option.type === "submit") return;
  if (picker) pick(option);
  // The first preset was made since this page loaded.
  else location.assign(`${document.body.dataset.home}?preset=${encodeURIComponent(option.value)}`);
}

function onInput() {
  isChosenSoon = false;
  if (said.textContent && box.value) say("");
  if (isOpen()) show();
}

list.id = "preset-list";
list.className = "options preset-list";
list.popover = "manual";
list.role = "listbox";
list.ariaLabel = wording.presets;
said.className = "preset-said muted";
composer.before(list, said);
box.setAttribute("aria-controls", list.id);
box.setAttribute("aria-autocomplete", "list");
document.addEventListener("keydown", onKey, true);
box.addEventListener("input", onInput);
box.addEventListener("blur", close);
// The focus, and on a phone the keyboard, stays where it is.
list.addEventListener("mousedown", (event) => event.preventDefault());
list.addEventListener("click", onClick);
addEventListener("resize", place);
addEventListener("scroll", place, true);
onHtmx("finished", ({ source, status }) => {
  if (list.contains(source) && isSuccess(status)) say(source.dataset.chosen);
});
