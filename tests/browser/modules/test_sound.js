import { equal, show, test } from "./harness.js";

const stored = (name) => localStorage.getItem(`here:${name}`);

/** As a browser refuses sounds: the promise waits for ever. The browser of the tests allows all. */
class RefusedContext {
  state = "suspended";
  resume = () => new Promise(() => {});
}

/** The page of conversation c1, which may play nothing. */
async function openPage() {
  globalThis.AudioContext = RefusedContext;
  show('<div id="poller"><input name="c" value="c1"></div>');
  return import("/chat/sound.js");
}
const look = (isFocused) => {
  document.hasFocus = () => isFocused;
  dispatchEvent(new Event(isFocused ? "focus" : "blur"));
};

test("a sound that the browser refuses is left to another tab, and noted", async () => {
  const { announceReady } = await openPage();
  look(false);
  await announceReady(["c2-r1"]);
  equal([stored("heard"), stored("sound-refused")], [null, "yes"]);
});

test("a reply that grew before the reader's eyes makes no sound", async () => {
  const { announceReady } = await openPage();
  look(true);
  await announceReady(["c1-r1", "c1-r2"]);
  await announceReady(["c1-r2", "c1-r3"]);
  equal([stored("heard"), stored("sound-refused")], ['["c1-r1","c1-r2","c1-r3"]', null]);
});

test("a reply that is read in another tab is left to that tab", async () => {
  const { announceReady } = await openPage();
  look(false);
  localStorage.setItem("here:reading", `c2 ${Date.now()}`);
  await announceReady(["c2-r1"]);
  equal([stored("heard"), stored("sound-refused")], [null, null]);
  localStorage.setItem("here:reading", `c2 ${Date.now() - 1e6}`);
  await announceReady(["c2-r1"]);
  equal(stored("sound-refused"), "yes");
});

test("a page says what is read in it, while it is", async () => {
  await openPage();
  look(true);
  equal(stored("reading").split(" ")[0], "c1");
  look(false);
  equal(stored("reading"), null);
});
