/**
 * The keyboard: shortcuts, where the focus goes, and the list of conversations, its menus and its forms, which keys
 * open and close.
 */

import { byId, isApple, isSuccess, isTouch, onHtmx, setCookie } from "./page.js";
import { catchUp, forgetChanges } from "./poller.js";

const composer = byId("composer");
const box = byId("text");

// Shortcuts, with Ctrl or Cmd. The dialog under Ctrl+/ lists them (templates/layout/_keyboard_shortcuts.html).

const SHORTCUTS = {
  "/": () => byId("shortcuts").togglePopover(),
  k: openPalette,
  b: toggleList,
  ".": () => byId("stop")?.click(),
  "shift+o": () => byId("new-conversation").click(),
};
/** Names of shortcuts by the places of their keys, for layouts without Latin letters. */
const PLACES = { KeyB: "b", KeyK: "k", KeyO: "o", Slash: "/", Period: "." };

/**
 * The shortcut that a key stands for: by what it types, or by its place where that is no Latin letter. Some layouts
 * type signs with Shift, and Caps Lock makes capitals.
 * @param {Pick<KeyboardEvent, "key" | "code" | "shiftKey">} event
 * @returns {string | undefined} "/", "b", "shift+o" …, or nothing.
 */
export function shortcutOf({ key, code, shiftKey }) {
  const isForeign = key.length === 1 && key > "~";
  const typed = (isForeign ? PLACES[code] : key.toLowerCase()) ?? "";
  const isSign = !isForeign && typed === typed.toUpperCase();
  const name = shiftKey && !isSign ? `shift+${typed}` : typed;
  return Object.hasOwn(SHORTCUTS, name) ? name : undefined;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.altKey || event.getModifierState("AltGraph")) return;
  if (event.key === "Escape" && event.shiftKey) box?.focus();
  if (event.key === "Escape" && event.target === box) composer?.querySelector(".editing a")?.click();
  const name = (event.ctrlKey || event.metaKey) && shortcutOf(event);
  if (!name) return;
  event.preventDefault();
  SHORTCUTS[name]();
});

/** Write ⌘ where the page says Ctrl, in the sheet of shortcuts and in tooltips. */
function nameCommandKey() {
  for (const key of document.querySelectorAll(".ctrl")) key.textContent = "⌘";
  for (const button of document.querySelectorAll("[aria-keyshortcuts]")) {
    const [shortcut, title] = ["aria-keyshortcuts", "title"].map((name) => button.getAttribute(name) ?? "");
    button.setAttribute("aria-keyshortcuts", shortcut.replace("Control", "Meta"));
    button.setAttribute("title", title.replace(/\([^()+]+/, "(⌘"));
  }
}
if (isApple) nameCommandKey();

async function openPalette() {
  const { togglePalette } = await import("./palette.js");
  togglePalette();
}

// Without a script, or in another tab, the link leads to the page of search.
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#search-link") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openPalette();
});

// The list of conversations stands beside the page on a desk, and above it on a phone.

function setListHidden(isHidden) {
  if (isHidden) document.documentElement.dataset.list = "hidden";
  else delete document.documentElement.dataset.list;
  setCookie(document.body.dataset.listCookie, isHidden ? "hidden" : "shown");
}

function toggleList() {
  if (byId("sidebar-open").checkVisibility()) return byId("sidebar").togglePopover();
  const before = /** @type {HTMLElement} */ (document.activeElement);
  setListHidden(document.documentElement.dataset.list !== "hidden");
  if (before.checkVisibility()) return;
  const toggles = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".list-toggle")]);
  toggles.find((toggle) => toggle.checkVisibility())?.focus();
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.(".list-toggle")) return;
  event.preventDefault();
  toggleList();
});

// The arrow up in an empty box opens the last message, to be edited.
box?.addEventListener("keydown", (event) => {
  if (event.key !== "ArrowUp" || box.value) return;
  const changes = document.querySelectorAll(".message:not(:has(+ .held)) .change");
  const last = /** @type {HTMLAnchorElement | undefined} */ ([...changes].at(-1));
  last?.click();
});

// "/" in an empty box offers presets.
box?.addEventListener("input", async () => {
  if (box.value !== "/" || !composer.dataset.presets) return;
  const { offer } = await import("./presets.js");
  offer();
});

// Focus. An element that goes away must not take the keyboard with it.

let focused = null;
document.addEventListener("focusin", ({ target }) => (focused = target));
document.addEventListener("focusout", ({ target }) => {
  setTimeout(() => {
    if (target === focused && target.isConnected && !target.disabled) focused = null;
  });
});
const isThere = (element) => element.isConnected && !element.disabled && element.checkVisibility();
onHtmx("settled", () => {
  if (document.activeElement !== document.body || !focused) return;
  if (isThere(focused)) return;
  const again = focused.id && document.querySelector(`[id="${focused.id}"]:not(:disabled)`);
  const view = byId("content");
  (again || (isTouch ? view : (box ?? view))).focus({ preventScroll: true });
});

// Some buttons name the element that has the focus after them. A form in the head goes back to the menu there.
onHtmx("finished", ({ source, status }) => {
  const selector = source.dataset?.then;
  if (!selector || !isSuccess(status)) return;
  const isInHead = source.matches(".main-header .rename");
  // htmx tells of it once more after the form is gone.
  if (isInHead) source.dataset.then = "#head-menu-button";
  document.querySelector(source.dataset.then)?.focus();
  if (isInHead) source.remove();
});

// Menus open by themselves. What keys do in them loads with the first menu that is about to be opened.

const ABOUT_TO_OPEN = ["focusin", "pointerover"];

function loadMenus({ target }) {
  if (!target.closest?.("[aria-haspopup=menu]")) return;
  import("./menu.js");
  for (const type of ABOUT_TO_OPEN) document.removeEventListener(type, loadMenus);
}
for (const type of ABOUT_TO_OPEN) document.addEventListener(type, loadMenus);

// An arrow that is pressed at once is not lost.
document.addEventListener("keydown", async (event) => {
  const button = event.target.closest?.("[aria-haspopup=menu][popovertarget]");
  if (!button || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
  event.preventDefault();
  const { openByKey } = await import("./menu.js");
  openByKey(button, event.key);
});

onHtmx("swapping", ({ source, status }) => {
  if (isSuccess(status)) source.closest(".menu:popover-open")?.hidePopover();
});

// The list of conversations. A menu or form that is open there is not swapped away.

const isInUse = (list) => list.querySelector(".menu:popover-open, .rename:not([hidden])");

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const list = event.target;
  if (list.id !== "conversations" || !isInUse(list)) return;
  event.preventDefault();
  // The page lacks something now, and asks for it again until it can take it.
  forgetChanges();
});

function onToggle({ target, newState }) {
  if (newState === "closed" && target.matches(".item .menu")) catchUp();
}
document.addEventListener("toggle", onToggle, true);

// The form for a title, in an entry of the list or in the head of the page. There is one at a time.

onHtmx("swapping", ({ source, status }) => {
  if (!isSuccess(status)) return;
  if (source.matches(".rename")) source.hidden = true;
  // A second click, while the answer to the first is on its way, brings a second form.
  if (source.matches(".menu a")) for (const form of document.querySelectorAll(".rename")) form.remove();
});

function cancel(form) {
  const before = form.closest(".item")?.querySelector(".entry") ?? byId("head-menu-button");
  form.remove();
  before?.focus();
  catchUp();
}

document.addEventListener("focusin", ({ target }) => {
  if (!target.matches(".rename .field")) return;
  if (!target.dataset.seen) target.select();
  target.dataset.seen = "yes";
});

document.addEventListener("click", (event) => {
  if (!event.target.matches(".rename [data-cancel]")) return;
  event.preventDefault();
  cancel(event.target.form ?? event.target.closest("form"));
});

document.addEventListener("keydown", (event) => {
  const form = event.key === "Escape" && event.target.closest?.(".rename");
  if (!form) return;
  event.preventDefault(); // on a phone it would close the whole list
  cancel(form);
});
