import { becomesTrue, equal, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);

/** A page with one reply that grows. */
async function openReply() {
  window.htmx = { process: () => {} };
  show(`<div id="messages"><article class="reply pending" id="reply-1"><div class="author">a</div>
    <div class="text markdown" id="text-1"></div><div class="growth" id="growth-1" hidden></div></article></div>`);
  return import("/chat/growing.js");
}

/** What an answer brings: a settled part and a tail, each with its depth. */
async function bring(settled, settledDepth, tail, tailDepth, replaces = "") {
  find("growth-1").innerHTML =
    `<div data-depth="${settledDepth}" ${replaces}>${settled}</div><div data-depth="${tailDepth}">${tail}</div>`;
  await becomesTrue(() => !find("growth-1").firstChild);
}

/** The text without the mark behind its last word, and whatever of it is still to appear. */
function shown() {
  const copy = /** @type {Element} */ (find("text-1").cloneNode(true));
  for (const cursor of copy.querySelectorAll(".cursor")) cursor.remove();
  for (const element of copy.querySelectorAll("[data-ahead]")) element.removeAttribute("data-ahead");
  return copy.innerHTML;
}

/** How many characters at the end are still transparent. */
function hidden() {
  return [...CSS.highlights.get("arriving")].join("").length;
}

/** What htmx 2 tells before it puts the finished reply in place. */
function end(html) {
  const fragment = document.createElement("template");
  fragment.innerHTML = html;
  const detail = { target: find("reply-1"), fragment: fragment.content, shouldSwap: true };
  document.dispatchEvent(new CustomEvent("htmx:oobBeforeSwap", { detail }));
  return detail.shouldSwap;
}
const finished = (text) => `<article class="reply done" id="reply-1"><div class="author">b</div>
  <div class="text markdown">${text}</div><p>tools</p></article>`;

test("a settled part stays, and a tail is replaced", async () => {
  await openReply();
  await bring("<p>One</p>", 0, "<p>Tw</p>", 0);
  const first = find("text-1").firstChild;
  await bring("", 0, "<p>Two, <b>th</b></p>", 0);
  equal(shown(), "<p>One</p><p>Two, <b>th</b></p>");
  equal(first === find("text-1").firstChild, true);
});

test("items, rows and lines of code join the last elements", async () => {
  await openReply();
  await bring("<ol><li>a<ul><li>b</li></ul></li></ol>", 0, "<ol><li><ul><li></li><li>c</li></ul></li></ol>", 4);
  equal(shown(), "<ol><li>a<ul><li>b</li><li>c</li></ul></li></ol>");
  await bring("<ol><li><ul><li></li><li>c</li></ul></li><li>d</li></ol><pre><code>1\n</code></pre>", 4, "", 0);
  await bring("", 0, "<pre><code>2</code></pre>", 2);
  equal(shown(), "<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol><pre><code>1\n2</code></pre>");
});

test("an element without a visible word shows no box and no marker", async () => {
  await openReply();
  await bring("<p>One</p>", 0, "<p>two <code>three</code></p><ul><li>four</li></ul>", 0);
  const ahead = [...document.querySelectorAll("#text-1 [data-ahead]")].map((element) => element.localName);
  equal(ahead.includes("code") && ahead.includes("li") && !ahead.includes("b"), true);
  await becomesTrue(() => !document.querySelector("#text-1 [data-ahead]"));
  equal(hidden(), 0);
});

test("another text replaces all of the one before", async () => {
  await openReply();
  await bring("<p>One</p>", 0, "<p>Two</p>", 0);
  await bring("", 0, "<p>Three</p>", 0, "data-replaces");
  equal(shown(), "<p>Three</p>");
});

test("a selection that reaches into the tail is made again", async () => {
  await openReply();
  await bring("<p>One</p>", 0, "<p>Two</p>", 0);
  const [one, two] = [...document.querySelectorAll("#text-1 p")].map((p) => p.firstChild);
  getSelection().setBaseAndExtent(two, 2, one, 1);
  await bring("", 0, "<p>Two three</p>", 0);
  const { anchorNode, anchorOffset, focusNode, focusOffset } = getSelection();
  equal([anchorNode.data, anchorOffset, focusNode === one, focusOffset], ["Two three", 2, true, 1]);
});

test("new words become visible evenly", async () => {
  const { visibleCharacters } = await openReply();
  const growth = { from: 10, total: 30, cameAt: 1000, duration: 200 };
  const at = (now) => visibleCharacters(growth, now);
  equal([1000, 1050, 1100, 1200, 9000].map(at), [10, 15, 20, 30, 30]);
});

test("new words are there at once, and visible soon", async () => {
  await openReply();
  await bring("", 0, `<p>${"word ".repeat(40)}</p>`, 0);
  equal(shown(), `<p>${"word ".repeat(40)}</p>`);
  equal(hidden() > 100, true);
  await becomesTrue(() => hidden() === 0);
  equal(find("text-1").matches(".arriving"), false);
});

test("what both have in common stays when the finished reply comes", async () => {
  await openReply();
  await bring("<p>One</p><ul><li>a</li></ul>", 0, "<ul><li></li><li>[b]</li></ul>", 2);
  const [one, a] = [find("text-1").firstChild, document.querySelector("#text-1 li")];
  equal(end(finished("<p>One</p>\n<ul>\n<li>a</li>\n<li><a>b</a></li>\n</ul>\n<p>Two</p>")), false);
  const text = document.querySelector("#reply-1 > .text");
  equal(text.innerHTML, "<p>One</p><ul><li>a</li><li><a>b</a></li></ul><p>Two</p>");
  equal([text.firstChild === one, text.querySelector("li") === a, text.id], [true, true, ""]);
  equal([...find("reply-1").children].map(({ textContent }) => textContent.trim()), ["b", text.textContent, "tools"]);
  equal(find("reply-1").className, "reply done");
});

test("a reply without text is replaced as a whole", async () => {
  await openReply();
  equal(end(finished("<p>One</p>")), true);
});
