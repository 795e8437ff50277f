import { becomesTrue, equal, show, test } from "./harness.js";

const load = () => import("/chat/drafts.js");
const DAY = 86_400_000;
const store = (key, text, at = Date.now()) => localStorage.setItem(key, JSON.stringify({ at, text }));
const keys = () => Object.keys(localStorage).sort();

test("a draft is read again, and an empty one is removed", async () => {
  sessionStorage.setItem("tab", "a");
  const { readDraft, saveDraft } = await load();
  equal(readDraft(), "");
  saveDraft("typed");
  equal([readDraft(), keys()], ["typed", ["here:draft:/#a"]]);
  saveDraft("");
  equal([readDraft(), keys()], ["", []]);
});

test("a stored value that is no draft counts as none", async () => {
  const { parseDraft } = await load();
  equal([null, "", "typed", "{", "null"].map(parseDraft), [null, null, null, null, null]);
  equal(parseDraft('{"at": 1, "text": "typed", "more": 2}'), { at: 1, text: "typed" });
});

test("a page that changes a message has a draft of its own", async () => {
  history.replaceState(null, "", "/c/1/?edit=2&x=3");
  sessionStorage.setItem("tab", "a");
  const { prefill, saveDraft } = await load();
  saveDraft("changed");
  equal([prefill, keys()], ["?edit=2", ["here:draft:/c/1/?edit=2#a"]]);
});

test("a draft under an earlier name of the site moves to today's", async () => {
  sessionStorage.setItem("tab", "a");
  store("before:draft:/#a", "typed");
  const { readDraft } = await load();
  equal([readDraft(), keys()], ["typed", ["here:draft:/#a"]]);
});

test("a draft from before tabs had ids becomes this tab's", async () => {
  sessionStorage.setItem("tab", "a");
  localStorage.setItem("draft:/", "typed long ago");
  const { readDraft } = await load();
  equal([readDraft(), keys()], ["typed long ago", ["here:draft:/#a"]]);
});

test("a guest who logs in goes on with their draft", async () => {
  show('<form id="composer" data-person="7"></form>');
  sessionStorage.setItem("tab", "a");
  store("here:draft:/#a", "typed as a guest");
  const { readDraft } = await load();
  equal([readDraft(), keys()], ["typed as a guest", ["here:draft:@7:/#a"]]);
});

test("an account keeps its own draft beside a guest's", async () => {
  show('<form id="composer" data-person="7"></form>');
  sessionStorage.setItem("tab", "a");
  store("here:draft:/#a", "of a guest");
  store("here:draft:@7:/#a", "of the account");
  const { readDraft } = await load();
  equal([readDraft(), keys()], ["of the account", ["here:draft:/#a", "here:draft:@7:/#a"]]);
});

test("a guest sees no draft of an account", async () => {
  sessionStorage.setItem("tab", "a");
  store("here:draft:@7:/#a", "of an account");
  store("here:draft:@7:/#b", "of an account");
  const { adoptDraft, readDraft } = await load();
  equal([readDraft(), adoptDraft()], ["", ""]);
});

test("a new tab adopts the newest draft of closed tabs, and none of an open tab", async () => {
  sessionStorage.setItem("tab", "new");
  const other = new BroadcastChannel("here:tabs");
  const asked = new Promise((tell) => {
    other.onmessage = ({ data }) => {
      other.postMessage({ to: data.from, tab: "open" });
      // The page answers in order: with this answer it has heard the one before.
      other.postMessage({ from: "other" });
      if (data.to === "other") tell();
    };
  });
  store("here:draft:/#open", "of an open tab", 3);
  store("here:draft:/#closed", "of a closed tab", 2);
  store("here:draft:/#older", "older", 1);
  const { adoptDraft } = await load();
  await asked;
  equal(adoptDraft(), "of a closed tab");
  equal(keys(), ["here:draft:/#new", "here:draft:/#older", "here:draft:/#open"]);
});

test("a duplicated tab takes an id of its own and a copy of the draft", async () => {
  sessionStorage.setItem("tab", "twin");
  store("here:draft:/#twin", "typed");
  const other = new BroadcastChannel("here:tabs");
  other.onmessage = ({ data }) => other.postMessage({ to: data.from, tab: "twin" });
  const { readDraft } = await load();
  await becomesTrue(() => sessionStorage.getItem("tab") !== "twin");
  equal(readDraft(), "typed");
  equal(keys(), [`here:draft:/#${sessionStorage.getItem("tab")}`, "here:draft:/#twin"].sort());
});

test("drafts that are too old or too many are removed, and other values stay", async () => {
  const now = Date.now();
  for (let number = 0; number < 101; number += 1) store(`here:draft:/${number}#a`, "typed", now - number);
  store("here:draft:/old#a", "old", now - 91 * DAY);
  localStorage.setItem("here:notify", "yes");
  const { removeOldDrafts } = await load();
  removeOldDrafts();
  equal(keys().length, 101);
  equal(
    ["here:draft:/99#a", "here:draft:/100#a", "here:notify"].map((key) => keys().includes(key)),
    [true, false, true],
  );
});

test("a draft moves to another page behind the one there", async () => {
  history.replaceState(null, "", "/c/1/");
  sessionStorage.setItem("tab", "a");
  const { moveDraft, saveDraft } = await load();
  saveDraft("first", "/");
  saveDraft("second");
  moveDraft("/");
  equal(keys(), ["here:draft:/#a"]);
  equal(JSON.parse(localStorage.getItem("here:draft:/#a")).text, "first\nsecond");
});

test("logging out removes the drafts of accounts alone", async () => {
  show('<form action="/account/log-out/"></form>');
  store("here:draft:/#a", "of a guest");
  store("before:draft:@7:/#a", "of an account");
  store("here:draft:@7:/#a", "of an account");
  await load();
  document.forms[0].addEventListener("submit", (event) => event.preventDefault());
  document.forms[0].requestSubmit();
  equal(keys(), ["here:draft:/#a"]);
});

test("erasing everything removes all drafts once it is done", async () => {
  show('<h1 id="erased"></h1>');
  sessionStorage.setItem("erasing", "yes");
  store("here:draft:/#a", "of a guest");
  store("here:draft:@7:/#a", "of an account");
  localStorage.setItem("here:notify", "yes");
  await load();
  equal([keys(), sessionStorage.getItem("erasing")], [["here:notify"], null]);
});

test("a page that says it is erased removes nothing without the form before it", async () => {
  show('<h1 id="erased"></h1>');
  store("here:draft:/#a", "typed");
  await load();
  equal(keys(), ["here:draft:/#a"]);
});

test("a page says that drafts of an account are kept here", async () => {
  show('<p id="drafts-kept" hidden></p>');
  store("here:draft:@7:/#a", "of an account");
  await load();
  equal(document.getElementById("drafts-kept").hidden, false);
});
