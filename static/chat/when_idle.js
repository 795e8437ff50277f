/**
 * The switch of the message box by which a message lets all others go first. It is for one message: it goes off when
 * that is sent, and on again where it could not be sent.
 */

import { byId, isSuccess, onHtmx } from "./page.js";

const field = /** @type {HTMLInputElement} */ (byId("when-idle"));
/** Whether the message on its way is to wait. */
let isWaiting = false;

onHtmx("configured", ({ source }) => {
  if (source !== field.form) return;
  isWaiting = field.checked;
  field.checked = false;
});

onHtmx("finished", ({ source, status }) => {
  if (source === field.form && isWaiting && !isSuccess(status)) field.checked = true;
});
