import { becomesTrue, equal, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);

/** A message box with room for 200 characters and three files. */
async function openComposer(text = "") {
  show(`
    <section id="content"><div id="messages"></div></section>
    <button id="to-end" hidden></button>
    <template id="file-chip"><li><span class="name"></span><span class="size"></span><button></button></li></template>
    <form id="composer"><input id="key" name="key" value="k1"><ul id="files" hidden></ul>
      <textarea id="text" name="text">${text}</textarea>
      <button type="button" id="attach" data-max="3"></button>
      <span id="counter" data-limit="200" hidden></span></form>`);
  await import("/chat/composer.js");
  return import("/chat/attachments.js");
}
const file = (name, ...parts) => ({ file: new File(parts, name) });
const names = () => [...find("files").querySelectorAll(".name")].map((name) => name.textContent);
const drafts = () => Object.values(localStorage).map((draft) => JSON.parse(draft).text);
const refusal = () => find("refusal").textContent;

test("a fence is longer than any in its file and names it", async () => {
  const { fenced } = await openComposer();
  equal(fenced({ name: "a.PY", content: "x" }), '```py title="a.PY"\nx\n```');
  equal(fenced({ name: "notes", content: "a ````` b\n" }), '``````text title="notes"\na ````` b\n``````');
});

test("files are taken out of a message as the server does it", async () => {
  const { split } = await openComposer();
  const read = (text) => {
    const { files, rest } = split(text);
    return [files.map(({ name }) => name), rest];
  };
  const one = '```py title="a.py"\nprint(1)\n```';
  const other = '````md title="b c.md"\n```\nx\n```\n````';
  equal(read(`${one}\n\n${other}\n\n\nlook`), [["a.py", "b c.md"], "\nlook"]);
  equal(read(`${one}\n${other}`), [["a.py", "b c.md"], ""]);
  equal(read('```text title="x"\n```'), [["x"], ""]);
  equal(read(`first ${one}`), [[], `first ${one}`]);
  equal(read('```py title="a.py"\nprint(1)'), [[], '```py title="a.py"\nprint(1)']);
  equal(read('```py title="a.py"\n``` x\n````\n```'), [["a.py"], ""]);
});

test("a name ends no fence and reorders no letter", async () => {
  const { cleanName } = await openComposer();
  equal(cleanName('a"b`c\n\u202etxt.exe'), "a_b_c__txt.exe");
  equal(cleanName(""), "text");
  equal(cleanName(`${"a".repeat(300)}.txt`).length, 80);
});

test("bytes are read as UTF-8, UTF-16 or Latin-1, or are no text", async () => {
  const { decode } = await openComposer();
  const read = (...bytes) => decode(new Uint8Array(bytes));
  equal(read(0xef, 0xbb, 0xbf, 0x61, 0x0d, 0x0a, 0x62), { content: "a\nb", isLatin1: false });
  equal(read(0xff, 0xfe, 0x61, 0x00, 0xe9, 0x00), { content: "aé", isLatin1: false });
  equal(read(0xfe, 0xff, 0x00, 0x61), { content: "a", isLatin1: false });
  equal(read(0x61, 0xe9), { content: "aé", isLatin1: true });
  equal([read(0x61, 0x00), read(0x89, 0x50, 0x4e, 0x47, 0x1a, 0x00), read(0xff, 0xfe, 0x61)], [null, null, null]);
});

test("a file is a chip, is kept in the draft and can be removed", async () => {
  const { attach } = await openComposer();
  await attach([file("a.txt", "one"), file("b.txt", "two\n")]);
  equal([names(), find("files").hidden, find("text").value], [["a.txt", "b.txt"], false, ""]);
  equal(drafts(), ['```txt title="a.txt"\none\n```\n\n```txt title="b.txt"\ntwo\n```']);
  find("text").value = "hi";
  find("files").querySelector("button").click();
  equal(drafts(), ['```txt title="b.txt"\ntwo\n```\n\nhi']);
  equal(document.activeElement, find("files").querySelector("button"));
  find("files").querySelector("button").click();
  equal([names(), find("files").hidden, document.activeElement.id], [[], true, "text"]);
});

test("a draft with files is shown as chips once more", async () => {
  await openComposer('```txt title="a.txt"\none\n```\n\nand this');
  await becomesTrue(() => names().length === 1);
  equal(find("text").value, "and this");
});

test("what cannot be attached is named, and the rest is attached", async () => {
  const { attach } = await openComposer();
  const folder = { file: new File([], "folder"), isFolder: true };
  const long = file("long.txt", "x".repeat(190));
  await attach([folder, file("e.txt", " \n"), file("p.png", "a\0b"), long, file("a.txt", "one")]);
  equal(names(), ["a.txt"]);
  equal(refusal(), "no folders e.txt: empty p.png: no text long.txt: 190 of 172");
  await attach([file("huge.txt", "x".repeat(801))]);
  equal([names(), refusal()], [["a.txt"], "huge.txt: 0.8 kB"]);
  await attach([file("b", "2"), file("c", "3"), file("d", "4")]);
  equal([names(), refusal()], [["a.txt", "b", "c"], "d: only 3"]);
});

test("a dropped file is attached, and the page stays", async () => {
  await openComposer();
  const data = new DataTransfer();
  data.items.add(new File(["one"], "a.txt"));
  const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  equal(find("content").dispatchEvent(drop), false);
  await becomesTrue(() => names().length === 1);
});

test("text that is pasted with a picture of it is pasted as text", async () => {
  await openComposer();
  const data = new DataTransfer();
  data.items.add(new File(["one"], "a.txt"));
  const paste = () => new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  equal(find("text").dispatchEvent(paste()), false);
  data.setData("text/plain", "words");
  equal(find("text").dispatchEvent(paste()), true);
});
