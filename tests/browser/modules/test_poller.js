import { becomesTrue, equal, sendHtmx, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);
const polls = [];

async function openPage(replies = "") {
  show(`<div id="poller"><input name="n" value="5"></div><input id="is-hidden">${replies}`);
  globalThis.htmx = { trigger: (source, name) => polls.push(`${source.id} ${name}`) };
  return import("/chat/poller.js");
}
const hide = (isHidden) => {
  Object.defineProperty(document, "hidden", { get: () => isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
};
const fail = (source, status) => sendHtmx(source, status ? "responseError" : "sendError", { xhr: { status } });
const succeed = () => sendHtmx(find("poller"), "afterRequest", { xhr: { status: 200 } });

test("retries come later and later, up to fifteen seconds", async () => {
  const { retrySeconds } = await openPage();
  const seconds = [0, 1, 2, 3, 4, 5, 50].map((failed) => retrySeconds(failed, 0.5));
  equal(seconds, [1, 2, 4, 8, 15, 15, 15]);
  equal([retrySeconds(3, 0).toFixed(3), retrySeconds(3, 1).toFixed(3)], ["6.400", "9.600"]);
});

test("the second failure shows that the server is away, and an answer takes it back", async () => {
  await openPage();
  fail(find("poller"), 0);
  equal(find("connection-lost").hidden, true);
  fail(find("poller"), 502);
  equal(find("connection-lost").hidden, false);
  succeed();
  equal(find("connection-lost").hidden, true);
  fail(find("poller"), 0);
  equal(find("connection-lost").hidden, true);
});

test("a poll that was set aside or refused is no failure", async () => {
  await openPage();
  for (let time = 0; time < 3; time += 1) {
    sendHtmx(find("poller"), "sendError", { error: { name: "AbortError" } });
    fail(find("poller"), 404);
  }
  equal(find("connection-lost").hidden, true);
});

test("a poll that htmx gave up comes again", async () => {
  await openPage();
  sendHtmx(find("poller"), "sendError", { error: { name: "AbortError" } });
  await becomesTrue(() => polls.length);
  equal(polls, ["poller poll-now"]);
});

test("a failed action says what failed", async () => {
  const { refusalFor } = await openPage('<form id="composer"></form><form id="rename"></form>');
  const [composer, rename] = [find("composer"), find("rename")];
  const said = (form) => [0, 400, 418, 503, 599].map((status) => refusalFor(form, status));
  equal(said(composer), ["no server, text is here", "bad", "bad", "busy", "broken"]);
  equal(said(rename), ["no server", "bad act", "bad act", "broken act", "broken act"]);
  fail(rename, 418);
  equal(find("refusal").textContent, "bad act");
  sendHtmx(rename, "beforeRequest");
  equal(find("refusal").textContent, "");
});

test("a hidden page polls only while a reply is to come", async () => {
  await openPage();
  equal(sendHtmx(find("poller"), "beforeRequest"), true);
  hide(true);
  equal([sendHtmx(find("poller"), "beforeRequest"), find("is-hidden").value], [false, "1"]);
  show('<p class="reply pending" id="r1"></p>');
  equal(sendHtmx(find("poller"), "beforeRequest"), false); // asked just now
});

test("a page that is seen again asks for everything", async () => {
  await openPage();
  hide(true);
  equal([polls, document.querySelector("[name=n]").value], [[], "5"]);
  hide(false);
  equal([polls, document.querySelector("[name=n]").value], [["poller poll-now"], ""]);
  equal(find("is-hidden").value, "");
});

test("an answer that could not be taken is asked for again", async () => {
  const { catchUp, forgetChanges } = await openPage();
  catchUp();
  equal(polls, []);
  forgetChanges();
  catchUp();
  equal(polls, ["poller poll-now"]);
});

test("a reply that ends while the page is hidden marks the tab", async () => {
  await openPage('<p class="reply pending" id="r1"></p>');
  const icon = document.querySelector("link[rel=icon]");
  hide(true);
  find("r1").className = "reply done";
  sendHtmx(find("r1"), "afterSettle");
  equal([document.title, icon.href], ["● A title", "data:,marked"]);
  hide(false);
  equal([document.title, icon.href], ["A title", "data:,"]);
});

test("a reply that ends in sight marks nothing", async () => {
  await openPage('<p class="reply pending" id="r1"></p>');
  find("r1").className = "reply done";
  sendHtmx(find("r1"), "afterSettle");
  equal(document.title, "A title");
});

const list = (unread, ready = "", rest = "") =>
  `<ul id="conversations" data-unread="${unread}" data-ready="${ready}" ${rest}></ul>`;
const bring = (...args) => {
  find("conversations").outerHTML = list(...args);
  sendHtmx(find("conversations"), "afterSettle");
};

test("the title counts what is unread, whatever else it is", async () => {
  document.title = "(2) (1) a";
  await openPage(list("2"));
  bring("3");
  equal(document.title, "(3) (1) a");
  document.title = "(1) b";
  await becomesTrue(() => document.title === "(3) (1) b");
  bring("");
  equal(document.title, "(1) b");
});

test("an installed page shows the number at its icon", async () => {
  const shown = [];
  navigator.setAppBadge = async (count) => shown.push(count);
  await openPage(list(""));
  bring("99+");
  bring("99+");
  bring("");
  equal(shown, [0, 99, 0]);
});

test("a hidden page marks itself once for each ready reply", async () => {
  await openPage(list("1", "c1-r1"));
  const icon = document.querySelector("link[rel=icon]");
  hide(true);
  bring("1", "c1-r1");
  equal(icon.href, "data:,");
  bring("2", "c1-r1 c2-r2");
  equal(icon.href, "data:,marked");
  hide(false);
  hide(true);
  bring("2", "c1-r1 c2-r2");
  equal(icon.href, "data:,");
});

test("a hidden page asks for what comes elsewhere, unless another page has asked", async () => {
  const other = new BroadcastChannel("here:news");
  const heard = [];
  other.onmessage = ({ data }) => heard.push(data.news);
  const isAsked = () => sendHtmx(find("poller"), "beforeRequest");
  const { now } = Date;
  await openPage(list("", "", "data-awaited"));
  hide(true);
  const later = (seconds) => (Date.now = () => now() + 1000 * seconds);
  later(20);
  equal(isAsked(), true);
  later(40);
  other.postMessage({ owner: "", news: { unread: "1", ready: "c1-r1" } });
  await becomesTrue(() => document.title === "(1) A title");
  equal([isAsked(), "awaited" in find("conversations").dataset], [false, false]);
  later(70);
  equal(isAsked(), false);
  later(110);
  equal(isAsked(), true);
  await becomesTrue(() => heard.length === 3);
  equal(heard, [{ unread: "", ready: "", awaited: "" }, {}, {}]);
  other.postMessage({ owner: "another", news: { unread: "7", ready: "" } });
  other.postMessage({ owner: "", news: { unread: "", ready: "" } });
  await becomesTrue(() => document.title === "A title");
  later(300);
  equal(isAsked(), false);
});
