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
