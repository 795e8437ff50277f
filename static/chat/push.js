/**
 * Web Push: lets the site send this browser notices while no page of it is open. Loaded once a person wants that.
 */

import { byId, cookie, readStored, removeStored, writeStored } from "./page.js";

const { home = "/", tokenCookie } = document.body.dataset;
/** Where this browser is told of, by its name in storage. */
const KEPT = "push";
/** The only address of a worker that this site may start, whatever text asks for one. */
const policy = globalThis.trustedTypes?.createPolicy("service-worker", {
  createScriptURL: () => `${home}service-worker.js`,
});

/** Whether this browser can get notices while no page is open. */
export const canPush = "serviceWorker" in navigator && "PushManager" in window;

/** Whether the site has to be put on the home screen first. */
export const needsHomeScreen =
  !canPush &&
  (/iP(?:hone|ad|od)/.test(navigator.userAgent) ||
    (navigator.platform === "MacIntel" && navigator.maxTouchPoints > 1));

/** The person of this page: it changes with a log-in and with a sign-up. */
function person() {
  const poller = byId("poller");
  const owner = poller?.querySelector("[name=o]")?.value ?? "";
  return owner && owner + (poller.querySelector("[name=u]")?.value ?? "");
}

/** The token that proves that a request comes from a page of this site. */
function csrfToken() {
  const [input] = document.getElementsByName("csrfmiddlewaretoken");
  return cookie(tokenCookie) ?? /** @type {HTMLInputElement | undefined} */ (input)?.value ?? "";
}

/** What the server has been told. It is told again each day, and after each log-in, which brings a new token. */
function stampOf({ endpoint }) {
  return JSON.stringify([endpoint, person(), csrfToken().slice(0, 8), new Date().toISOString().slice(0, 10)]);
}

async function post(path, fields) {
  const answer = await fetch(`${home}${path}`, {
    method: "POST",
    headers: { "X-CSRFToken": csrfToken(), "Page-Language": document.documentElement.lang },
    body: new URLSearchParams(fields),
  });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
}

async function tellServer(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  await post("settings/push/", { endpoint, p256dh: keys.p256dh, auth: keys.auth });
  writeStored(KEPT, stampOf(subscription));
}

const registered = () => navigator.serviceWorker.getRegistration(home);
const subscriptionOf = async (worker) => (worker ? worker.pushManager.getSubscription() : null);

function bytesOf(key) {
  const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function hasKey({ options }, key) {
  const bytes = new Uint8Array(options.applicationServerKey ?? []);
  return bytes.length === key.length && bytes.every((byte, place) => byte === key[place]);
}

/**
 * Get notices in this browser.
 * @param {string} publicKey Of the site, in base64url.
 */
export async function subscribe(publicKey) {
  const key = bytesOf(publicKey);
  const address = policy?.createScriptURL("") ?? `${home}service-worker.js`;
  await navigator.serviceWorker.register(/** @type {string} */ (address), { scope: home });
  const worker = await navigator.serviceWorker.ready;
  let found = await subscriptionOf(worker);
  if (found && !hasKey(found, key)) {
    await found.unsubscribe();
    found = null;
  }
  found ??= await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  if (stampOf(found) !== readStored(KEPT)) await tellServer(found);
}

/** Get no more notices in this browser. */
export async function unsubscribe() {
  removeStored(KEPT);
  const found = await subscriptionOf(await registered());
  if (!found) return;
  // Without the server's help the address of this browser is useless all the same.
  await Promise.allSettled([post("settings/push/remove/", { endpoint: found.endpoint }), found.unsubscribe()]);
}

/** Tell the server again if the browser has another address now, or another person. */
export async function renew() {
  const found = await subscriptionOf(await registered());
  if (!found) return removeStored(KEPT);
  if (person() && stampOf(found) !== readStored(KEPT)) await tellServer(found);
}

/**
 * Show a notice of this page by the worker, where the next one of the same conversation takes its place.
 * @returns {Promise<boolean>} False where there is no worker.
 */
export async function showNotice(title, body, path) {
  const worker = await registered();
  await worker?.showNotification(title, { body, tag: path, data: { url: path } });
  return Boolean(worker);
}
