import { Outbox } from "/chat/drafts.js";
import { equal, test } from "./harness.js";

const fail = () => {
  throw new Error("the box must keep its text");
};

test("a message is on its way until the server has it", () => {
  const outbox = new Outbox();
  equal(outbox.isIdle, true);
  equal(
    outbox.begin(() => "one"),
    "one",
  );
  equal([outbox.isIdle, outbox.messages], [false, ["one"]]);
  outbox.confirm();
  equal([outbox.isIdle, outbox.messages], [true, []]);
});

test("messages that wait are sent in order, one after the other", () => {
  const outbox = new Outbox();
  outbox.begin(() => "one");
  outbox.add("two");
  outbox.add("three");
  equal(outbox.chooseNext(), false);
  equal(outbox.messages, ["one", "two", "three"]);
  outbox.confirm();
  equal([outbox.chooseNext(), outbox.isSendingNext], [true, true]);
  equal(outbox.messages, ["two", "three"]);
  equal(outbox.begin(fail), "two");
  equal([outbox.isSendingNext, outbox.messages], [false, ["two", "three"]]);
  outbox.confirm();
  outbox.chooseNext();
  equal(outbox.begin(fail), "three");
  outbox.confirm();
  equal(outbox.chooseNext(), false);
});

test("an empty message is on its way as well, and is nothing to keep", () => {
  const outbox = new Outbox();
  outbox.begin(() => "");
  outbox.add(" \n");
  equal([outbox.isIdle, outbox.messages], [false, []]);
});

test("an outbox that is cleared has nothing to send", () => {
  const outbox = new Outbox();
  outbox.begin(() => "one");
  outbox.add("two");
  outbox.clear();
  equal([outbox.isIdle, outbox.messages, outbox.chooseNext()], [true, [], false]);
});
