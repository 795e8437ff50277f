import { equal, sendHtmx, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);

async function open() {
  show(`<dialog id="palette"><form><input id="palette-input"></form><div id="palette-options">
    <div id="palette-commands">
      <a role="option" href="#new" data-always>New conversation</a>
      <button role="option" type="button" data-theme-chosen="dark">Theme: dark</button>
    </div><div id="palette-found"></div></div></dialog>`);
  globalThis.htmx = { trigger: () => {} };
  const palette = await import("/chat/palette.js");
  palette.togglePalette();
  return palette;
}

function type(text) {
  find("palette-input").value = text;
  find("palette-input").dispatchEvent(new Event("input"));
}
const press = (key) => find("palette-input").dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
const active = () => find(find("palette-input").getAttribute("aria-activedescendant"))?.innerText ?? null;

test("each word begins a word of the name, in any order", async () => {
  const { isNamed } = await open();
  const of = (text) => isNamed("Theme: dark", text.split(" "));
  equal([of("dark"), of("da th"), of("ark"), of("theme light")], [true, true, false, false]);
});

test("few commands show before anything is typed", async () => {
  await open();
  equal(active(), "New conversation");
  type("dark");
  equal(active(), "Theme: dark");
  type("zebra");
  equal(active(), null);
});

test("arrows move through all that is shown, in a circle", async () => {
  await open();
  find("palette-found").innerHTML = '<a role="option" href="#x">Found</a>';
  sendHtmx(find("palette-input"), "afterSettle");
  const path = ["ArrowDown", "ArrowDown", "ArrowUp"].map((key) => (press(key), active()));
  equal(path, ["Found", "New conversation", "Found"]);
});

test("what was found for other words is not chosen any more", async () => {
  await open();
  find("palette-found").innerHTML = '<a role="option" href="#x">Found</a>';
  sendHtmx(find("palette-input"), "afterSettle");
  press("ArrowDown");
  type("zebra");
  equal(active(), null);
});
