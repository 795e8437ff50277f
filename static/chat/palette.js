/**
 * The palette under Ctrl+K: conversations, messages and commands in one list, which arrow keys move in and Enter
 * chooses from, after https://www.w3.org/WAI/ARIA/apg/patterns/combobox/. The focus stays in its field. Commands are
 * in the page; htmx brings what the server finds (templates/search/_palette_results.html). Loads when it is opened.
 */

import { byId, onHtmx, setTheme } from "./page.js";

const palette = byId("palette");
const input = byId("palette-input");
const found = byId("palette-found");
const commands = /** @type {HTMLElement[]} */ ([...palette.querySelectorAll("#palette-commands [role=option]")]);
/** @type {HTMLElement | null} */
let active = null;

const words = () => input.value.toLowerCase().split(/\s+/).filter(Boolean);

/**
 * Whether each word begins a word of a name, in any order.
 * @param {string} name
 * @param {string[]} typed In small letters.
 * @returns {boolean}
 */
export function isNamed(name, typed) {
  const parts = name.toLowerCase().split(/[\s:]+/);
  return typed.every((word) => parts.some((part) => part.startsWith(word)));
}

function options() {
  const all = /** @type {HTMLElement[]} */ ([...palette.querySelectorAll("[role=option]")]);
  return all.filter((option) => option.checkVisibility());
}

/** @param {HTMLElement | null | undefined} option */
function activate(option) {
  active?.removeAttribute("aria-selected");
  active = option ?? null;
  active?.setAttribute("aria-selected", "true");
  active?.scrollIntoView({ block: "nearest" });
  if (active) input.setAttribute("aria-activedescendant", active.id);
  else input.removeAttribute("aria-activedescendant");
}

/** Whether a command has what it clicks: the menu of a conversation differs by what the conversation is. */
const isPossible = ({ dataset: { clicks } }) => !clicks || document.querySelector(clicks) !== null;

/** Show the commands for what is typed. What was found for other words is no longer chosen. */
function showCommands() {
  const typed = words();
  for (const command of commands) {
    const isMeant = typed.length ? isNamed(command.innerText, typed) : "always" in command.dataset;
    command.hidden = !isMeant || !isPossible(command);
  }
  activate(commands.find((command) => command.checkVisibility()));
}

function move(step) {
  const shown = options();
  if (!shown.length) return;
  const at = active ? shown.indexOf(active) : -1;
  activate(shown[(Math.max(at, step < 0 ? 0 : -1) + step + shown.length) % shown.length]);
}

function onKey(event) {
  if (event.isComposing) return;
  if (event.key === "ArrowDown") move(1);
  else if (event.key === "ArrowUp") move(-1);
  else if (event.key === "Enter" && active) active.click();
  else return;
  event.preventDefault();
}

function onClick({ target }) {
  const option = target.closest("[role=option]");
  // Where a browser does not know closedby, a click beside the palette hits the dialog itself.
  if (!option && target !== palette && !target.closest("[data-close]")) return;
  palette.close();
  const { clicks, themeChosen } = option?.dataset ?? {};
  if (themeChosen !== undefined) chooseTheme(themeChosen);
  if (clicks) /** @type {HTMLElement | null} */ (document.querySelector(clicks))?.click();
}

function chooseTheme(theme) {
  setTheme(theme);
  const radio = /** @type {HTMLInputElement | null} */ (document.querySelector(`.themes input[value="${theme}"]`));
  if (radio) radio.checked = true;
}

/** Open the palette, or close it. */
export function togglePalette() {
  if (palette.open) return palette.close();
  palette.showModal();
  input.select();
  showCommands();
  htmx.trigger(input, "palette-open");
}

for (const [number, command] of commands.entries()) command.id = `command-${number}`;
input.addEventListener("input", showCommands);
input.addEventListener("keydown", onKey);
palette.addEventListener("click", onClick);
onHtmx("settled", ({ source }) => {
  if (source !== input || !palette.open) return;
  for (const [number, option] of [...found.querySelectorAll("[role=option]")].entries()) option.id = `found-${number}`;
  if (!active?.isConnected) activate(options()[0]);
});
