/**
 * The settings page: how a person wants to be told that a reply is ready, in this browser.
 */

import { byId, readStored, writeStored } from "./page.js";

const keep = (name, isWanted) => writeStored(name, isWanted ? "yes" : "no");

// Notifications of the system

const choice = byId("notify-me");
/** The site's key for notices while no page is open; empty where it sends none. */
const { pushKey = "" } = byId("notify").dataset;

async function onNotifyChoice({ target }) {
  const answer = target.checked ? await Notification.requestPermission() : "";
  target.checked = answer === "granted";
  byId("notify-blocked").hidden = answer !== "denied";
  keep("notify", target.checked);
  followChoice();
}

/** Have the server send notices, or not. Without it they come while a page is open. */
async function followChoice() {
  if (!pushKey) return;
  const push = await import("./push.js");
  byId("push-home-screen").hidden = !push.needsHomeScreen;
  byId("push-closed").hidden = !push.canPush;
  byId("push-failed").hidden = true;
  if (!push.canPush) return;
  const act = choice.checked ? push.subscribe(pushKey) : push.unsubscribe();
  await act.catch(() => {
    byId("push-failed").hidden = false;
    byId("push-closed").hidden = true;
  });
}

if ("Notification" in window) {
  choice.closest("label").hidden = false;
  choice.checked = readStored("notify") === "yes" && Notification.permission === "granted";
  choice.addEventListener("change", onNotifyChoice);
}
followChoice();

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
