import { equal, show, test } from "./harness.js";

const MINUTE = 60_000;
const NOON = new Date(2030, 4, 5, 12).getTime();

test("a time of today is told as what has passed since", async () => {
  const { timeAgo } = await import("/chat/reply_tools.js");
  const ago = (minutes) => timeAgo(NOON - minutes * MINUTE, NOON, "en");
  equal([0, 0.9, 1, 59.9, 60, 150, 13 * 60].map(ago), [
    "now",
    "now",
    "1 minute ago",
    "59 minutes ago",
    "1 hour ago",
    "2 hours ago",
    "",
  ]);
  equal(timeAgo(NOON - 5 * MINUTE, NOON, "de"), "vor 5 Minuten");
});

test("a reply is read by paragraphs, each word once", async () => {
  const { paragraphsOf } = await import("/chat/reply_tools.js");
  show(`<div id="text"><p>One</p><ul><li>Two<ul><li>Three</li></ul></li></ul>
    <figure class="code"><figcaption>python</figcaption><pre><code>x</code></pre></figure></div>
    <div id="plain">just text</div>`);
  const read = (id) => paragraphsOf(document.getElementById(id));
  equal(read("text"), ["One", "Two", "Three", "x"]);
  equal(read("plain"), ["just text"]);
});
