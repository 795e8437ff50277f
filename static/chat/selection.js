/**
 * A reader's selection, kept while the nodes that it lies in are replaced. One in nodes that stay survives by itself.
 */

/**
 * Replace nodes of a text, and select again what a reader has selected in them.
 * @param {Element} text
 * @param {Node[]} nodes
 * @param {() => void} act
 */
export function keepSelection(text, nodes, act) {
  const selection = getSelection();
  const isSelected = (node) => !selection.isCollapsed && selection.containsNode(node, true);
  if (!nodes.some(isSelected)) return act();
  const { anchorNode, anchorOffset, focusNode, focusOffset } = selection;
  const anchor = placeOf(text, anchorNode, anchorOffset);
  const focus = placeOf(text, focusNode, focusOffset);
  act();
  selection.setBaseAndExtent(...pointAt(text, anchor), ...pointAt(text, focus));
}

/** A point as the number of characters before it; as it is, if it lies elsewhere. */
function placeOf(text, node, offset) {
  if (!text.contains(node)) return [node, offset];
  const before = new Range();
  before.setStart(text, 0);
  before.setEnd(node, offset);
  return before.toString().length;
}

/** @returns {[Node, number]} */
function pointAt(text, place) {
  if (Array.isArray(place)) return [place[0], place[1]];
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let rest = place;
  while (walker.nextNode()) {
    const node = /** @type {Text} */ (walker.currentNode);
    if (rest <= node.length) return [node, rest];
    rest -= node.length;
  }
  return [text, text.childNodes.length];
}
