import { becomesTrue, equal, show, test } from "./harness.js";

const find = (id) => document.getElementById(id);
const load = () => import("/chat/menu.js");
const focused = () => document.activeElement.id;
const press = (key) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }),
);

const MENU = `<button id="opener" type="button" popovertarget="menu" aria-haspopup="menu">Options</button>
  <div class="menu" id="menu" popover>
    <a id="rename" href="#rename">Rename</a>
    <button id="gone" type="button" hidden>Gone</button>
    <button id="repeat" type="button">Repeat</button>
    <button id="delete" type="button">Delete</button>
  </div>`;

async function open() {
  show(MENU);
  await load();
  find("opener").focus();
  find("opener").click();
  await becomesTrue(() => focused() === "rename");
}

test("arrows, Home and End move among the items that are shown, in a circle", async () => {
  await open();
  const path = ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Home", "End"].map((key) => (press(key), focused()));
  equal(path, ["repeat", "delete", "rename", "delete", "rename", "delete"]);
});

test("letters lead to the item whose name begins with them", async () => {
  await open();
  equal(["r", "e", "p"].map((key) => (press(key), focused())), ["repeat", "repeat", "repeat"]);
});

test("an open menu has the roles of a menu", async () => {
  await open();
  equal([find("menu").role, find("rename").role, find("delete").role], ["menu", "menuitem", "menuitem"]);
  equal(find("menu").getAttribute("aria-labelledby"), "opener");
});

test("Tab, and an item that is chosen, close the menu and give the focus back", async () => {
  await open();
  press("Tab");
  equal([find("menu").matches(":popover-open"), focused()], [false, "opener"]);
  (await load()).openByKey(find("opener"), "ArrowUp");
  equal([find("menu").matches(":popover-open"), focused()], [true, "delete"]);
  document.activeElement.click();
  equal([find("menu").matches(":popover-open"), focused()], [false, "opener"]);
});

test("Space follows a link", async () => {
  await open();
  press(" ");
  equal([location.hash, find("menu").matches(":popover-open")], ["#rename", false]);
});

test("a menu that opens before this script is there gets its keys, too", async () => {
  show(MENU);
  find("menu").showPopover();
  await load();
  equal(focused(), "rename");
});

test("the item that is chosen has the focus first", async () => {
  show(`<button id="opener" type="button" popovertarget="menu" aria-haspopup="menu">Model</button>
    <div class="menu" id="menu" popover>
      <button id="one" type="button" aria-checked="false">One</button>
      <button id="two" type="button" aria-checked="true">Two</button>
    </div>`);
  await load();
  find("opener").click();
  await becomesTrue(() => focused() === "two");
  equal(find("one").role, "menuitemradio");
});
