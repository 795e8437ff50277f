import { becomesTrue, equal, sendHtmx, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);
const sent = [];

/** A message box whose form goes nowhere: what reaches htmx is noted. */
async function openComposer(text = "") {
  show(`
    <section id="content"><div id="messages"></div></section>
    <button id="to-end" hidden></button>
    <template id="sending"><article class="message sending"><div class="text"></div></article></template>
    <form id="composer"><input id="key" name="key" value="k1"><textarea id="text" name="text">${text}</textarea>
      <span id="counter" data-limit="10" hidden></span></form>`);
  const composer = await import("/chat/composer.js");
  find("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const formData = new FormData(find("composer"));
    sendHtmx(find("composer"), "configRequest", { formData, headers: {} });
    sent.push(formData.get("text"));
  });
  return composer;
}

const type = (text) => {
  find("text").value = text;
  find("text").dispatchEvent(new Event("input"));
};
const press = (key, options = {}) => {
  const event = new KeyboardEvent("keydown", { key, cancelable: true, bubbles: true, ...options });
  return find("text").dispatchEvent(event);
};
const finish = (status) => sendHtmx(find("composer"), "afterRequest", { xhr: { status } });
const shown = () => [...document.querySelectorAll(".message.sending .text")].map((text) => text.textContent);
const drafts = () => Object.values(localStorage).map((draft) => JSON.parse(draft).text);

test("a message is counted and kept as the server does it", async () => {
  const { lengthOf, normalized } = await import("/chat/page.js");
  const { withCounts } = await import("/chat/composer.js");
  equal(normalized("a\r\nb\rc\u2028d"), "a\nb\nc\nd");
  equal(normalized("\n  \n  a\n\n  b \n\n"), "  a\n\n  b");
  equal(["", "ab", "a\u{1f600}b", "\ud83d"].map(lengthOf), [0, 2, 3, 1]);
  equal(withCounts("{count} of {limit}", 12, 10), "12 of 10");
});

test("Enter sends; Shift with Enter and an input method do not", async () => {
  await openComposer();
  type("one");
  equal(press("Enter", { shiftKey: true }), true);
  equal(press("Enter", { isComposing: true }), true);
  equal(sent, []);
  equal(press("Enter"), false);
  equal([sent, find("text").value, shown()], [["one"], "", ["one"]]);
});

test("a message sent while another is on its way waits, and goes after it", async () => {
  await openComposer();
  type("one");
  press("Enter");
  type("two");
  press("Enter");
  type("three");
  equal([sent, shown(), drafts()], [["one"], ["one", "two"], ["one\ntwo\nthree"]]);
  finish(200);
  await becomesTrue(() => sent.length === 2);
  equal([sent, find("text").value, shown()], [["one", "two"], "three", ["two"]]);
  equal(drafts(), ["two\nthree"]);
});

test("what could not be sent stands in the box again, in order", async () => {
  await openComposer();
  type("one");
  press("Enter");
  type("two");
  press("Enter");
  type("three");
  finish(503);
  equal([find("text").value, shown(), drafts()], ["one\ntwo\nthree", [], ["one\ntwo\nthree"]]);
});

test("a second Enter just after a message sends nothing", async () => {
  await openComposer();
  type("one");
  press("Enter");
  press("Enter");
  finish(200);
  press("Enter");
  equal([sent, drafts()], [["one"], []]);
});

test("a message that is too long stays in the box", async () => {
  await openComposer();
  type("12345678901");
  equal([find("counter").hidden, find("counter").textContent], [false, "11 of 10"]);
  press("Enter");
  equal([sent, find("text").value, find("refusal").textContent], [[], "12345678901", "11 of 10"]);
  type("123");
  equal([find("counter").hidden, find("refusal").textContent], [true, ""]);
});

test("what is far too long is not put into the box", async () => {
  await openComposer();
  const put = (length) => {
    const event = new InputEvent("beforeinput", { data: "x".repeat(length), cancelable: true, bubbles: true });
    return find("text").dispatchEvent(event);
  };
  equal([put(80), find("refusal").textContent], [true, ""]);
  equal([put(81), find("refusal").textContent], [false, "pasted 81"]);
});

test("a first message takes what was typed since to its conversation", async () => {
  sessionStorage.setItem("tab", "a");
  await openComposer();
  type("one");
  press("Enter");
  type("two");
  const xhr = { status: 200, getResponseHeader: () => "/c/1/" };
  sendHtmx(find("composer"), "beforeOnLoad", { xhr });
  dispatchEvent(new Event("pagehide"));
  equal(Object.keys(localStorage), ["here:draft:/c/1/#a"]);
  equal(drafts(), ["two"]);
});

test("an answer that asks to log in gives the text back", async () => {
  await openComposer();
  type("one");
  press("Enter");
  const xhr = { status: 200, getResponseHeader: () => "/account/log-in/" };
  sendHtmx(find("composer"), "beforeOnLoad", { xhr });
  equal([find("text").value, drafts()], ["one", ["one"]]);
});

test("a page that the Back button shows sends under a new key", async () => {
  await openComposer();
  type("one");
  press("Enter");
  finish(200);
  dispatchEvent(new Event("pageshow"));
  equal([find("key").value === "k1", find("key").value.length], [false, 32]);
});

test("a draft fills an empty box, and not one that the server filled", async () => {
  sessionStorage.setItem("tab", "a");
  localStorage.setItem("here:draft:/#a", JSON.stringify({ at: 1, text: "typed" }));
  await openComposer("from the server");
  equal(find("text").value, "from the server");
});
