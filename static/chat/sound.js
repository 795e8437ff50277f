/**
 * The sound that says that a reply is ready: two soft notes, made here. It is played once for each reply, by one tab
 * of the browser, and not for a reply that grows before the reader's eyes. This module is loaded once it is wanted.
 */

import { onHtmx, readStored, removeStored, site, writeStored } from "./page.js";
import { conversation } from "./poller.js";

/** As many replies are remembered as announced. */
const HEARD_MAX = 100;
/** A page that is read says so at each poll. One that has said nothing for so long was closed in a hurry. */
const READING_MS = 120_000;
/** A browser that refuses sounds leaves a page waiting; so long a page waits. */
const START_MS = 500;
/** Frequencies and moments of the notes. */
const NOTES = [
  { hertz: 587.3, at: 0 },
  { hertz: 880, at: 0.13 },
];
const NOTE_SECONDS = 0.55;
const LOUDNESS = 0.12;

// What is being read. All tabs know, since the one that plays is mostly another one.

const isRead = () => !document.hidden && document.hasFocus();

function noteReading() {
  const [noted] = (readStored("reading") ?? "").split(" ");
  if (isRead()) writeStored("reading", `${conversation()} ${Date.now()}`);
  else if (noted === conversation()) removeStored("reading");
}

for (const name of ["focus", "blur", "pagehide"]) addEventListener(name, noteReading);
document.addEventListener("visibilitychange", noteReading);
onHtmx("succeeded", noteReading);
noteReading();

function isReadElsewhere(name) {
  const [noted, at] = (readStored("reading") ?? "").split(" ");
  return noted !== "" && name.startsWith(`${noted}-`) && Date.now() - Number(at) < READING_MS;
}

// The sound

/** @type {AudioContext | undefined} */
let audio;

function playNote({ hertz, at }) {
  const { currentTime, destination } = /** @type {AudioContext} */ (audio);
  const [note, volume] = [audio.createOscillator(), audio.createGain()];
  const [start, end] = [currentTime + at, currentTime + at + NOTE_SECONDS];
  note.frequency.value = hertz;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, end);
  note.connect(volume).connect(destination);
  note.start(start);
  note.stop(end);
  return note;
}

/**
 * Play the sound.
 * @returns {Promise<boolean>} False where the browser refuses it: mostly since a person did nothing on the page yet.
 */
export async function play() {
  audio ??= new AudioContext();
  const pause = new Promise((go) => setTimeout(go, START_MS));
  await Promise.race([audio.resume().catch(() => {}), pause]);
  if (audio.state !== "running") {
    writeStored("sound-refused", "yes");
    return false;
  }
  removeStored("sound-refused");
  // A context that runs keeps the loudspeaker awake.
  const last = NOTES.map(playNote).at(-1);
  last.onended = () => audio.suspend();
  return true;
}

async function playOnce(names) {
  const heard = JSON.parse(readStored("heard") ?? "[]");
  const fresh = names.filter((name) => !heard.includes(name));
  const seen = fresh.filter((name) => isRead() && name.startsWith(`${conversation()}-`));
  // The tab that shows the others decides about those that are read there.
  const loud = fresh.filter((name) => !seen.includes(name) && !isReadElsewhere(name));
  const isPlayed = loud.length > 0 && (await play());
  const told = isPlayed ? [...seen, ...loud] : seen;
  if (told.length) writeStored("heard", JSON.stringify([...heard, ...told].slice(-HEARD_MAX)));
}

/**
 * Announce ready replies, unless another tab has, or they were seen to grow.
 * @param {string[]} names As the list of conversations has them.
 */
export function announceReady(names) {
  // Without a secure connection a browser has no locks; two tabs may then play at once.
  return navigator.locks?.request(`${site}:sound`, () => playOnce(names)) ?? playOnce(names);
}
