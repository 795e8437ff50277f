/**
 * Comforts of forms: a password that is shown, a link that is copied, a theme that applies at once, and the model that
 * was picked in the head of the page. A file that is too large is named before it is sent.
 */

import { byId, isSuccess, onHtmx, setTheme } from "./page.js";
import { copy } from "./messages.js";

const COPIED_SECONDS = 1.5;

// Passwords

function showPassword(button, isShown) {
  byId(button.dataset.shows).type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
  button.querySelector("use").setAttribute("href", isShown ? "#i-eye-off" : "#i-eye");
}

// A browser offers to save what is in a field for passwords, and remembers what is in any other one.
document.addEventListener("submit", ({ target }) => {
  const form = /** @type {HTMLFormElement} */ (target);
  for (const button of form.querySelectorAll("[data-shows]")) showPassword(button, false);
});

// Links

async function copyField(button) {
  const field = byId(button.dataset.copies);
  if (!(await copy(field.value))) return field.select();
  button.dataset.label ??= button.textContent;
  const status = button.closest(".setting").querySelector("[role=status]");
  button.textContent = status.textContent = button.dataset.copied;
  setTimeout(() => {
    button.textContent = button.dataset.label;
    status.textContent = "";
  }, 1000 * COPIED_SECONDS);
}

document.addEventListener("click", ({ target }) => {
  const button = /** @type {HTMLElement | null} */ (
    /** @type {Element} */ (target).closest("[data-shows], [data-copies]")
  );
  if (button?.dataset.copies) copyField(button);
  else if (button) showPassword(button, button.getAttribute("aria-pressed") === "false");
});

// Theme

document.addEventListener("change", ({ target }) => {
  const field = /** @type {HTMLInputElement} */ (target);
  if (field.matches(".themes input")) setTheme(field.value);
});

// Model. The menu in the head saves it at once; the form must not save the one before.

onHtmx("finished", ({ source, status }) => {
  if (!isSuccess(status) || !source.matches(".model-menu .model")) return;
  const field = document.querySelector(`.models input[value="${source.value}"]`);
  if (field) /** @type {HTMLInputElement} */ (field).checked = true;
});

// Notices

if (byId("notify")) import("./notice_choices.js");

// Files

document.addEventListener("change", ({ target }) => {
  const field = /** @type {HTMLInputElement} */ (target);
  if (!field.dataset.maxBytes) return;
  const isTooLarge = (field.files?.[0]?.size ?? 0) > Number(field.dataset.maxBytes);
  field.setCustomValidity(isTooLarge ? field.dataset.tooLarge : "");
  field.reportValidity();
});
