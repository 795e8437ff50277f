// Pages of an earlier release ask for this script. One that was served just before an update, and whose script comes
// from this release, loads once more.
const PAUSE_MS = 60_000;
const KEY = "reloaded for chat.js";
if (Date.now() - Number(sessionStorage.getItem(KEY)) > PAUSE_MS) {
  sessionStorage.setItem(KEY, String(Date.now()));
  location.reload();
}
