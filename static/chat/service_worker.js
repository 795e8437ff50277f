/**
 * The service worker: shows that a reply is ready, also while no page is open, and opens the conversation at a click.
 *
 * It keeps nothing and answers no request of a page. The server sends what it shows (chat/services/notifications/).
 */

const { registration, clients } = /** @type {any} */ (self);
const home = new URL(registration.scope);

const openPages = () => clients.matchAll({ type: "window", includeUncontrolled: true });

/** The address of a page of this site; the first page for any other. */
function pageAt(path) {
  const url = new URL(String(path), home);
  return url.origin === home.origin && url.pathname.startsWith(home.pathname) ? url : home;
}

async function show(event) {
  let notice;
  try {
    notice = event.data.json();
  } catch {
    return; // not of this site
  }
  const pages = await openPages();
  // The page in front of a person tells them itself.
  if (pages.some(({ visibilityState, url }) => visibilityState === "visible" && url.startsWith(home.href))) return;
  const { title, body, tag, url } = notice;
  await registration.showNotification(title, { body, tag, data: { url } });
}

async function open(notification) {
  notification.close();
  const url = pageAt(notification.data?.url ?? "");
  const found = (await openPages()).find((page) => new URL(page.url).pathname === url.pathname);
  await (found ? found.focus() : clients.openWindow(url.href));
}

self.addEventListener("install", () => /** @type {any} */ (self).skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show(event)));
self.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));
