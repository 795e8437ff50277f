import { equal, sendHtmx, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);
const load = () => import("/chat/keyboard.js");

test("shortcuts are found by what a key types, or by its place", async () => {
  const { shortcutOf } = await load();
  const of = (key, code = "", shiftKey = false) => shortcutOf({ key, code, shiftKey }) ?? null;
  equal([of("k", "KeyK"), of("K", "KeyK"), of("/", "Slash"), of(".", "Period")], ["k", "k", "/", "."]);
  equal([of("к", "KeyK"), of("л", "KeyK"), of("л", "KeyG")], ["k", "k", null]);
  // A German layout types the slash with Shift on the 7.
  equal([of("/", "Digit7", true), of("K", "KeyK", true), of("л", "KeyK", true)], ["/", null, null]);
  const found = [of("B", "KeyB"), of("O", "KeyO", true), of("o", "KeyO", true), of("o", "KeyO")];
  equal(found, ["b", "shift+o", "shift+o", null]);
  equal([of("щ", "KeyO", true), of("и", "KeyB")], ["shift+o", "b"]);
  equal([of("Enter"), of("a", "KeyA"), of("constructor")], [null, null, null]);
});

test("a shortcut needs Ctrl or Cmd and no other key", async () => {
  show('<button id="stop"></button>');
  let stops = 0;
  find("stop").addEventListener("click", () => (stops += 1));
  await load();
  const press = (options) => document.dispatchEvent(new KeyboardEvent("keydown", { key: ".", ...options }));
  press({});
  press({ ctrlKey: true, altKey: true });
  press({ ctrlKey: true, isComposing: true });
  equal(stops, 0);
  press({ ctrlKey: true });
  press({ metaKey: true });
  equal(stops, 2);
});

test("a list with an open menu is not replaced", async () => {
  show('<input name="n"><div id="conversations"><div class="menu" popover></div></div>');
  await load();
  const list = find("conversations");
  equal(sendHtmx(list, "oobBeforeSwap", { target: list, fragment: document.createElement("div") }), true);
  document.querySelector(".menu").showPopover();
  equal(sendHtmx(list, "oobBeforeSwap", { target: list, fragment: document.createElement("div") }), false);
});

test("a list with an open form is not replaced, and Escape closes the form", async () => {
  show(`<div id="conversations"><div class="item"><a class="entry" href="#x">Title</a>
    <form class="rename"><input class="field" value="Title"></form></div></div>`);
  await load();
  const list = find("conversations");
  const field = document.querySelector(".field");
  equal(sendHtmx(list, "oobBeforeSwap", { target: list, fragment: document.createElement("div") }), false);
  field.focus();
  equal([field.selectionStart, field.selectionEnd], [0, 5]);
  field.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  equal([document.querySelector(".rename"), document.activeElement.className], [null, "entry"]);
});

test("the focus moves to the box when its element goes away", async () => {
  show('<section id="content"></section><textarea id="text"></textarea><button id="go">go</button>');
  await load();
  find("go").focus();
  find("go").remove();
  sendHtmx(document.body, "afterSettle");
  equal(document.activeElement.id, "text");
});

test("the focus stays with an element that comes again under its id", async () => {
  show('<section id="content"></section><textarea id="text"></textarea><button id="go">go</button>');
  await load();
  find("go").focus();
  find("go").outerHTML = '<button id="go">again</button>';
  sendHtmx(document.body, "afterSettle");
  equal(document.activeElement.textContent, "again");
});
