// Single keys: "/" goes to the search box. They do nothing inside a field, and whoever speaks their words or uses
// a switch turns them off on the page 我的账号; this browser remembers it.
const NAME = "single-keys";

function wanted(value) {
  try {
    if (value !== undefined) localStorage.setItem(NAME, value ? "on" : "off");
    return localStorage.getItem(NAME) !== "off";
  } catch {
    return true; // storage is switched off: as at first
  }
}

function tell() {
  const on = wanted();
  for (const box of document.querySelectorAll("[data-search]")) {
    box.placeholder = box.placeholder.replace("(按 / 键)", "") + (on ? "(按 / 键)" : "");
    if (on) box.setAttribute("aria-keyshortcuts", "/");
    else box.removeAttribute("aria-keyshortcuts");
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !wanted()) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const box = [...document.querySelectorAll("[data-search]")].find((each) => each.offsetParent !== null);
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
});

const choice = document.querySelector("[data-single-keys]");
if (choice) {
  choice.hidden = false;
  const tick = choice.querySelector("input");
  tick.checked = wanted();
  tick.addEventListener("change", () => {
    wanted(tick.checked);
    tell();
  });
}
tell();

// On the desk: j and k to the next and the one before, x ticks, a approves what is ticked or else what is open, r goes
// to the reason of a return, Enter opens the page of what is open. What is opened comes beside the list (htmx).
const list = document.querySelector("[data-items]");

function here() {
  return list.querySelector("[data-item].here");
}

function mark(row) {
  here()?.classList.remove("here");
  row.classList.add("here");
}

function step(by) {
  const rows = [...list.querySelectorAll("[data-item]")];
  const row = rows[rows.indexOf(here()) + by];
  const link = row?.querySelector("[data-open]");
  if (!link) return;
  link.click();
  link.focus();
}

const ACTS = {
  j: () => step(1),
  k: () => step(-1),
  x: () => here()?.querySelector("input")?.click(),
  a: () => {
    const ticked = list.querySelector("td.tick input:checked");
    document.querySelector(ticked ? "[data-approve]" : "[data-approve-this]")?.click();
  },
  r: () => document.querySelector("#opened textarea")?.focus(),
};

if (list) {
  list.addEventListener("click", ({ target }) => {
    const link = target.closest("[data-open]");
    if (link) mark(link.closest("[data-item]"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !wanted()) return;
    const { target } = event;
    if (target.closest("textarea, select, [contenteditable], input:not([type=checkbox])")) return;
    if (event.key === "Enter" && target.matches("[data-item].here [data-open]")) {
      event.preventDefault();
      location.href = target.dataset.open;
      return;
    }
    const act = ACTS[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
  const pass = list.querySelector("[data-pass]");
  pass.hidden = false;
  pass.addEventListener("click", () => {
    for (const box of list.querySelectorAll("[data-passed] input:not(:checked)")) box.click();
  });
  const said = list.querySelector("[data-keys]");
  if (said) said.hidden = !wanted();
}
