/** A small test runner: tests/browser/test_modules.py runs each test in a page of its own. */

const tests = new Map();

/**
 * Register a test.
 * @param {string} name A sentence. It stands on one line, where the Python side finds it.
 * @param {() => void | Promise<void>} act
 */
export function test(name, act) {
  tests.set(name, act);
}

/** Run one test; it fails by throwing. */
export async function run(name) {
  await tests.get(name)();
}

/** Compare values as JSON. */
export function equal(found, expected) {
  const [one, other] = [found, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${one} is not ${other}`);
}

/** Wait until a condition holds. */
export async function becomesTrue(condition) {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`did not become true: ${condition}`);
    await new Promise(requestAnimationFrame);
  }
}

/** Put elements into the page, before a module that looks for them is loaded. */
export function show(html) {
  document.body.insertAdjacentHTML("beforeend", html);
}

/** Send an event of htmx 2 from an element. @returns {boolean} Whether no listener prevented it. */
export function sendHtmx(source, name, detail = {}) {
  const options = { detail: { requestConfig: { elt: source }, ...detail }, bubbles: true, cancelable: true };
  return source.dispatchEvent(new CustomEvent(`htmx:${name}`, options));
}
