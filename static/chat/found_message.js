/**
 * What a search or a day led to has a mark at its side until it is scrolled out of view, or a message comes.
 */

import { byId } from "./page.js";

const messages = byId("messages");
const found = new URLSearchParams(location.search).has("at") ? byId(location.hash.slice(1)) : null;
let wasSeen = false;

function unmark() {
  seen.disconnect();
  added.disconnect();
  found.removeAttribute("aria-current");
}

const seen = new IntersectionObserver((entries) => {
  const { isIntersecting } = entries.at(-1);
  if (wasSeen && !isIntersecting) unmark();
  wasSeen = isIntersecting;
});
// A message that is sent comes last; earlier ones come above.
const isSent = ({ addedNodes, nextSibling }) =>
  !nextSibling && [...addedNodes].some((node) => node instanceof Element && node.matches(".message"));
const added = new MutationObserver((changes) => {
  if (changes.some(isSent)) unmark();
});

if (messages?.contains(found)) {
  found.setAttribute("aria-current", "true");
  seen.observe(found);
  added.observe(messages, { childList: true });
}
