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
  choice.closest("label").hidden = false;
  choice.checked = readStored("notify") === "yes" && Notification.permission === "granted";
  choice.addEventListener("change", onNotifyChoice);
}

// Sound

async function tryIt() {
  const { play } = await import("./sound.js");
  byId("sound-blocked").hidden = await play();
  byId("sound-refused").hidden = true;
}

const sound = byId("sound");
if ("AudioContext" in window) {
  byId("sound-choice").hidden = false;
  sound.checked = readStored("sound") === "yes";
  byId("sound-refused").hidden = !sound.checked || readStored("sound-refused") !== "yes";
  sound.addEventListener("change", () => keep("sound", sound.checked));
  byId("try-sound").addEventListener("click", tryIt);
}
byId("notify").hidden = false;
