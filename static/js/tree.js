// The tree: branches are fetched when they are first opened, and the arrow keys walk it
// (WAI-ARIA tree pattern with a roving tabindex). Markup: templates/parts/tree_node.html.
const SEEN = "li[role=treeitem]";

const groupOf = (item) => item.querySelector(":scope > [role=group]");
const parentOf = (item) => item.parentElement.closest(SEEN);
const linkOf = (item) => item.querySelector(":scope > .tree-row a, :scope > button");

function visible(tree) {
  return [...tree.querySelectorAll(SEEN)].filter((item) => !item.parentElement.closest("[role=group][hidden]"));
}

function focus(item) {
  const tree = item.closest("[role=tree]");
  for (const other of tree.querySelectorAll(`${SEEN}[tabindex="0"]`)) other.tabIndex = -1;
  item.tabIndex = 0;
  item.focus({ preventScroll: true });
  (item.querySelector(".tree-row") || item).scrollIntoView({ block: "nearest" });
}

function open(item) {
  const group = groupOf(item);
  if (!group) return;
  item.setAttribute("aria-expanded", "true");
  group.hidden = false;
  if (group.getAttribute("hx-get") && !group.dataset.loaded) {
    group.dataset.loaded = "1";
    item.setAttribute("aria-busy", "true");
    group.dispatchEvent(new CustomEvent("tree-load"));
  }
}

function close(item) {
  const group = groupOf(item);
  if (!group) return;
  const inside = group.contains(document.activeElement);
  item.setAttribute("aria-expanded", "false");
  group.hidden = true;
  if (inside) focus(item);
}

const isOpen = (item) => item.getAttribute("aria-expanded") === "true";

function prepare(tree) {
  for (const part of tree.querySelectorAll("a, button")) part.tabIndex = -1;
  const items = tree.querySelectorAll(SEEN);
  let entry = tree.querySelector(`${SEEN}[tabindex="0"]`);
  for (const item of items) if (!item.hasAttribute("tabindex")) item.tabIndex = -1;
  if (!entry) {
    entry = tree.querySelector(`${SEEN}[aria-current]`) || items[0];
    if (entry) entry.tabIndex = 0;
  }
}

function settle(tree) {
  prepare(tree);
  const here = tree.querySelector(`${SEEN}[aria-current] > .tree-row`);
  const side = tree.closest(".side");
  if (!here || tree.dataset.shown) return;
  tree.dataset.shown = "1";
  if (!side) {
    if (here.getBoundingClientRect().bottom > innerHeight) here.scrollIntoView({ block: "center" });
    return;
  }
  const gap = here.getBoundingClientRect().top - side.getBoundingClientRect().top;
  if (gap > side.clientHeight - 60) side.scrollTop += gap - side.clientHeight / 2;
}

document.addEventListener("click", (event) => {
  const toggle = event.target.closest(".tree-toggle");
  const retry = event.target.closest(".tree-fail > button");
  if (toggle) {
    const item = toggle.closest(SEEN);
    if (isOpen(item)) close(item);
    else open(item);
    focus(item);
  } else if (retry) {
    const item = parentOf(retry.closest("li"));
    groupOf(item).replaceChildren();
    open(item);
    focus(item);
  }
});

document.addEventListener("keydown", (event) => {
  const item = event.target.closest(SEEN);
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const tree = item.closest("[role=tree]");
  const items = visible(tree);
  const at = items.indexOf(item);
  const step = {
    ArrowDown: () => items[at + 1],
    ArrowUp: () => items[at - 1],
    Home: () => items[0],
    End: () => items[items.length - 1],
    ArrowRight: () => {
      if (!groupOf(item)) return null;
      if (isOpen(item)) return groupOf(item).querySelector(SEEN);
      open(item);
      return null;
    },
    ArrowLeft: () => {
      if (!isOpen(item)) return parentOf(item);
      close(item);
      return null;
    },
    Enter: () => {
      const link = linkOf(item);
      if (link) link.click();
      return null;
    },
    " ": () => {
      if (isOpen(item)) close(item);
      else if (groupOf(item)) open(item);
      else if (linkOf(item)) linkOf(item).click();
      return null;
    },
  }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = step();
  if (next) focus(next);
});

// A mouse click moves the tab stop along with it.
document.addEventListener("focusin", (event) => {
  const item = event.target.closest(SEEN);
  if (!item || item.tabIndex === 0) return;
  const tree = item.closest("[role=tree]");
  for (const other of tree.querySelectorAll(`${SEEN}[tabindex="0"]`)) other.tabIndex = -1;
  item.tabIndex = 0;
});

// "More" replaces itself by the next rows: the focus goes to the first of them.
document.addEventListener("htmx:beforeSwap", (event) => {
  const more = event.detail.target;
  if (!more.matches(".tree-more") || !event.detail.shouldSwap) return;
  const list = more.parentElement;
  const at = [...list.children].indexOf(more);
  const focused = more.contains(document.activeElement);
  document.addEventListener(
    "htmx:afterSettle",
    () => {
      prepare(list.closest("[role=tree]"));
      if (focused && list.children[at]) focus(list.children[at]);
    },
    { once: true },
  );
});

document.addEventListener("htmx:afterSettle", (event) => {
  const tree = event.target.closest("[role=tree]") || event.target.querySelector("[role=tree]");
  if (!tree) return;
  const item = event.target.matches("[role=group]") && event.target.closest(SEEN);
  if (item) item.removeAttribute("aria-busy");
  settle(tree);
});

// A branch that did not arrive says so in its place, and can be asked for again.
function failed(event) {
  const group = event.target;
  if (!group.matches("[role=group]")) return;
  group.closest(SEEN).removeAttribute("aria-busy");
  delete group.dataset.loaded;
  const pattern = document.getElementById("tree-failed");
  if (pattern) group.replaceChildren(pattern.content.cloneNode(true));
  prepare(group.closest("[role=tree]"));
}
document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);

for (const tree of document.querySelectorAll("[role=tree]")) settle(tree);
