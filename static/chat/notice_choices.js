/**
 * The settings page: how a person wants to be told that a reply is ready, in this browser.
 */

import { byId, readStored, site, withStorage } from "./page.js";

const keep = (name, isWanted) => withStorage((store) => store.setItem(`${site}:${name}`, isWanted ? "yes" : "no"));

// Notifications of the system

async function onNotifyChoice({ target }) {
  const answer = target.checked ? await Notification.requestPermission() : "";
  target.checked = answer === "granted";
  byId("notify-blocked").hidden = answer !== "denied";
  keep("notify", target.checked);
}

const choice = byId("notify-me");
if (choice && "Notification" in window) {
  byId("notify").hidden = false;
  choice.checked = readStored("notify") === "yes" && Notification.permission === "granted";
  choice.addEventListener("change", onNotifyChoice);
}
