/**
 * What keys do in menus, after https://www.w3.org/WAI/ARIA/apg/patterns/menu-button/.
 *
 * A menu is a popover of the class "menu" that holds links and buttons. A button with `popovertarget` opens it, and
 * has `aria-haspopup="menu"`. All of that works without this script, so it loads with the first menu that is about to
 * be opened (keyboard.js). The roles come from here, because without the script Tab moves in a menu, not the arrows.
 */

import { onHtmx } from "./page.js";

const OPEN = ".menu:popover-open";
const ITEMS = ":is(a[href], button:not(:disabled))";
/** Letters that are typed without a longer pause are the beginning of one name. */
const TYPING_SECONDS = 0.6;

/**
 * The items of a menu that can be chosen, in order.
 * @param {Element} menu
 * @returns {HTMLElement[]}
 */
export function itemsOf(menu) {
  const items = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll(ITEMS)]);
  return items.filter((item) => item.checkVisibility());
}

/**
 * The item to which a key leads.
 * @param {HTMLElement[]} items
 * @param {number} at The index of the item that has the focus; -1 if none has it.
 * @param {string} key
 * @returns {HTMLElement | undefined} Nothing for a key that does not move.
 */
export function itemAfterKey(items, at, key) {
  if (key === "ArrowDown") return items[(at + 1) % items.length];
  if (key === "ArrowUp") return items.at(Math.max(at, 0) - 1);
  if (key === "Home") return items[0];
  if (key === "End") return items.at(-1);
  return undefined;
}

let typed = "";
let typedAt = 0;

/**
 * The next item whose name begins with what was typed just now.
 * @param {HTMLElement[]} items
 * @param {number} at The index of the item that has the focus; -1 if none has it.
 * @param {string} letter
 * @returns {HTMLElement | undefined}
 */
export function itemAfterLetter(items, at, letter) {
  const isNew = Date.now() - typedAt > 1000 * TYPING_SECONDS;
  typedAt = Date.now();
  typed = (isNew ? "" : typed) + letter.toLowerCase();
  // A name that is still being typed may be that of the present item; a single letter leads on.
  const from = typed.length > 1 ? Math.max(at, 0) : at + 1;
  const inOrder = [...items.slice(from), ...items.slice(0, from)];
  return inOrder.find((item) => item.innerText.trim().toLowerCase().startsWith(typed));
}

function giveRoles(menu) {
  const button = document.querySelector(`[popovertarget="${menu.id}"]`);
  menu.setAttribute("role", "menu");
  if (button?.id) menu.setAttribute("aria-labelledby", button.id);
  for (const item of itemsOf(menu)) {
    item.setAttribute("role", item.ariaChecked ? "menuitemradio" : "menuitem");
    item.tabIndex = -1;
  }
}

/** Let the keys move in a menu that has just been opened, or filled. */
function enter(menu) {
  giveRoles(menu);
  if (menu.contains(document.activeElement) && document.activeElement !== menu) return;
  const items = itemsOf(menu);
  (items.find((item) => item.ariaChecked === "true") ?? items[0])?.focus({ preventScroll: true });
}

const openMenu = () => [...document.querySelectorAll(OPEN)].at(-1);
const enterOpenMenu = () => {
  const menu = openMenu();
  if (menu) enter(menu);
};

function onMenuKey(menu, event) {
  const items = itemsOf(menu);
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  // The popover gives the focus back to its button, from where Tab goes on.
  if (event.key === "Tab") return menu.hidePopover();
  // Space presses buttons, but not links.
  const isSpaceOnLink = event.key === " " && items[at] instanceof HTMLAnchorElement;
  const isLetter = event.key.length === 1 && event.key !== " ";
  const item = isLetter ? itemAfterLetter(items, at, event.key) : itemAfterKey(items, at, event.key);
  if (!item && !isSpaceOnLink) return;
  event.preventDefault();
  if (isSpaceOnLink) items[at].click();
  else item?.focus();
}

/**
 * Open the menu of a button, at its first item or at its last one.
 * @param {HTMLElement} button
 * @param {string} key "ArrowDown" or "ArrowUp".
 */
export function openByKey(button, key) {
  const menu = document.getElementById(button.getAttribute("popovertarget") ?? "");
  if (!menu?.matches(OPEN)) button.click();
  if (!menu) return;
  enter(menu);
  if (key === "ArrowUp") itemsOf(menu).at(-1)?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const menu = /** @type {Element} */ (event.target).closest?.(OPEN);
  if (menu) onMenuKey(menu, event);
});

// An item that asks the server closes its menu once the answer is there (keyboard.js); any other one does at once.
document.addEventListener("click", ({ target }) => {
  const item = /** @type {Element} */ (target).closest?.(`${OPEN} ${ITEMS}`);
  if (item && !item.matches("[hx-get], [hx-post]")) item.closest(".menu").hidePopover();
});

function onToggle({ target, newState }) {
  if (newState !== "open" || !target.matches(".menu")) return;
  typed = "";
  enter(target);
}
document.addEventListener("toggle", onToggle, true);
// Items may come from the server after their menu was opened.
onHtmx("settled", enterOpenMenu);
enterOpenMenu();
