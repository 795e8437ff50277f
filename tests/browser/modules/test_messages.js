import { becomesTrue, equal, sendHtmx, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);
const view = () => find("content");

/** A view of 200 pixels on messages of 1,000. */
async function openConversation() {
  show(`
    <section id="content" style="height: 200px; overflow-y: auto">
      <button id="earlier"></button>
      <div id="messages"><div id="first" style="height: 1000px"></div
        ><p class="reply pending" id="r1"><i class="writing"></i></p></div>
    </section>
    <button id="to-end" hidden></button>`);
  return import("/chat/messages.js");
}
const grow = (pixels) => {
  find("first").style.height = `${pixels}px`;
};
const distance = () => view().scrollHeight - view().scrollTop - view().clientHeight;
const scrolled = (top) => {
  const event = new Promise((tell) => view().addEventListener("scroll", tell, { once: true }));
  view().scrollTop = top;
  return event;
};

test("near the end is within 64 pixels of it", async () => {
  const { isNearEnd } = await import("/chat/messages.js");
  const at = (scrollTop) => isNearEnd({ scrollHeight: 1000, clientHeight: 200, scrollTop });
  equal([800, 737, 736, 0].map(at), [true, true, false, false]);
});

test("the view follows text while the reader is at the end", async () => {
  await openConversation();
  await becomesTrue(() => distance() < 1);
  grow(1500);
  await becomesTrue(() => view().scrollHeight > 1500 && distance() < 1);
  equal(find("to-end").hidden, true);
});

test("a reader who is elsewhere stays there and is told of new text", async () => {
  await openConversation();
  await becomesTrue(() => distance() < 1);
  await scrolled(view().scrollTop - 100);
  const before = view().scrollTop;
  equal(find("to-end").hidden, true);
  grow(1100);
  await becomesTrue(() => !find("to-end").hidden);
  equal([view().scrollTop, find("to-end").className], [before, "has-new"]);
  find("to-end").click();
  equal([distance() < 1, find("to-end").hidden], [true, true]);
});

test("what a reader opens is no new text", async () => {
  await openConversation();
  await becomesTrue(() => distance() < 1);
  find("r1").replaceChildren();
  await scrolled(view().scrollTop - 100);
  grow(1100);
  await becomesTrue(() => view().scrollHeight > 1100);
  await new Promise(requestAnimationFrame);
  equal([find("to-end").hidden, find("to-end").className], [true, ""]);
});

test("a button leads to the end from far above, also when nothing grows", async () => {
  await openConversation();
  await becomesTrue(() => distance() < 1);
  find("r1").className = "reply done";
  await scrolled(view().scrollTop - 290);
  equal(find("to-end").hidden, true);
  await scrolled(view().scrollTop - 20);
  equal([find("to-end").hidden, find("to-end").className], [false, ""]);
});

test("a reader who comes back to the end needs no button", async () => {
  await openConversation();
  await becomesTrue(() => distance() < 1);
  await scrolled(300);
  grow(1500);
  await becomesTrue(() => !find("to-end").hidden);
  await scrolled(view().scrollHeight);
  await becomesTrue(() => find("to-end").hidden);
});

test("earlier messages come above what is read", async () => {
  await openConversation();
  await becomesTrue(() => distance() < 1);
  await scrolled(300);
  const before = distance();
  sendHtmx(find("earlier"), "beforeSwap", { xhr: { status: 200 } });
  find("messages").insertAdjacentHTML("afterbegin", '<div style="height: 400px"></div>');
  sendHtmx(find("earlier"), "afterSwap", { xhr: { status: 200 } });
  equal(Math.abs(distance() - before) < 1, true);
});

test("a selection in code is copied letter for letter, without what stands beside it", async () => {
  show(
    `<div class="markdown"><figure class="code"><figcaption>python</figcaption>
      <pre><code>a\u00a0b</code></pre></figure></div>`,
  );
  const { exactText } = await import("/chat/messages.js");
  const range = document.createRange();
  range.selectNodeContents(document.querySelector("figure"));
  equal(exactText(range), "a\u00a0b");
});

test("a selection across a message is left to the browser", async () => {
  show('<article class="message"><p class="text">one\u00a0two</p></article><div class="markdown"><p>three</p></div>');
  const { exactText } = await import("/chat/messages.js");
  const range = document.createRange();
  range.selectNodeContents(document.querySelector(".text"));
  equal(exactText(range), "one\u00a0two");
  range.setEndAfter(document.querySelector(".markdown"));
  equal(exactText(range), "");
});

test("without a clipboard the text is selected and copied", async () => {
  const { copy } = await import("/chat/messages.js");
  Object.defineProperty(navigator, "clipboard", { value: undefined });
  const copied = new Promise((tell) => document.addEventListener("copy", () => tell(getSelection().toString())));
  await copy("a text");
  equal(await copied, "a text");
  equal(document.querySelector("textarea"), null);
});

test("numbers have the groups of the server", async () => {
  const { numberText } = await import("/chat/page.js");
  equal([numberText(8192), numberText(999), numberText(0.5, { style: "percent" })], ["8’192", "999", "50%"]);
});

test("keys that copy are those of the system", async () => {
  show('<p id="refusal"></p>');
  const { showNotCopied } = await import("/chat/messages.js");
  showNotCopied();
  equal(find("refusal").textContent, "Not copied: Ctrl+C.");
});
