// What is typed into a form marked data-draft="<user>:<address>" is kept in this browser until it was sent, so
// that nothing is lost when the line breaks or the page is closed. Its page offers it back. Kept for each user,
// dropped once it was saved (data-draft-done on the page that follows), when the user logs out, and after a day.
// Fields of personal data (data-draft-leaves) and the grey words beside a chosen person are not kept.
const BEFORE = "draft:";
const form = document.querySelector("form[data-draft]");

function store() {
  try {
    return window.localStorage;
  } catch {
    return null; // Storage may be switched off; then nothing is kept.
  }
}
const kept = store();

function read(key) {
  try {
    return JSON.parse(kept.getItem(BEFORE + key));
  } catch {
    return null;
  }
}
function write(key, draft) {
  try {
    kept.setItem(BEFORE + key, JSON.stringify(draft));
    return true;
  } catch {
    return false; // full
  }
}
const drop = (key) => kept.removeItem(BEFORE + key);

const left = new Set([
  ...["csrfmiddlewaretoken", "form_key", "seen", "confirmed", "save_as"],
  ...(form?.dataset.draftLeaves ?? "").split(" "),
]);
const A_DAY = 24 * 3600 * 1000;
const at = (moment) => new Date(moment).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });

// Chips of pickers are kept with their words, everything else by name and value.
function filled() {
  const pickers = {};
  for (const picker of form.querySelectorAll("[data-picker]")) {
    if (left.has(picker.dataset.name)) continue;
    pickers[picker.dataset.name] = [...picker.querySelectorAll(".pick-chip")].map((chip) => ({
      value: chip.dataset.value,
      label: chip.querySelector(".pick-label").textContent,
      role: chip.querySelector("select")?.value ?? "",
    }));
  }
  const values = [];
  for (const field of form.elements) {
    if (!field.name || left.has(field.name) || ["file", "submit", "button"].includes(field.type)) continue;
    if (field.closest("[data-picker]")) continue; // what is typed there and not chosen may be a number
    if (["checkbox", "radio"].includes(field.type) && !field.checked) continue;
    values.push([field.name, field.value]);
  }
  return { values, pickers };
}

function fill({ values, pickers }) {
  for (const field of form.elements) if (["checkbox", "radio"].includes(field.type)) field.checked = false;
  for (const [name, value] of values) {
    for (const field of form.elements) {
      if (field.name !== name || left.has(name) || field.type === "hidden") continue;
      if (["checkbox", "radio"].includes(field.type)) field.checked ||= field.value === value;
      else field.value = value;
    }
  }
  for (const picker of form.querySelectorAll("[data-picker]")) {
    if (left.has(picker.dataset.name)) continue;
    const chips = picker.querySelector(".chips");
    chips.replaceChildren();
    for (const each of pickers[picker.dataset.name] ?? []) {
      const chip = picker.querySelector("template").content.firstElementChild.cloneNode(true);
      chip.dataset.value = each.value;
      chip.querySelector("input").value = each.value;
      chip.querySelector(".pick-label").textContent = each.label;
      if (chip.querySelector("select")) chip.querySelector("select").value = each.role;
      for (const named of chip.querySelectorAll("[data-says]")) {
        named.setAttribute("aria-label", `${named.dataset.says} ${each.label}`);
      }
      chips.append(chip);
    }
  }
  // Photos come back by their numbers (photos.js).
  form.dispatchEvent(new CustomEvent("draft-fill", { bubbles: true, detail: { values } }));
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

function offer(key, draft) {
  const line = document.getElementById("draft-found");
  line.querySelector("[data-at]").textContent = at(draft.at);
  line.hidden = false;
  line.addEventListener("click", ({ target }) => {
    if (target.matches("[data-take]")) fill(draft);
    else if (target.matches("[data-drop]")) drop(key);
    else return;
    line.hidden = true;
  });
}

if (kept) {
  for (const key of Object.keys(kept).filter((each) => each.startsWith(BEFORE))) {
    if (Date.now() - (read(key.slice(BEFORE.length))?.at ?? 0) > A_DAY) kept.removeItem(key);
  }
  // The page that follows a saved form drops what was kept of it.
  for (const done of document.querySelectorAll("[data-draft-done]")) {
    if (read(done.dataset.draftDone)?.sent) drop(done.dataset.draftDone);
  }
  document.addEventListener("submit", ({ target }) => {
    if (!target.matches("[data-logout]")) return;
    for (const key of Object.keys(kept)) if (key.startsWith(BEFORE)) kept.removeItem(key);
  });
}

if (kept && form) {
  const key = form.dataset.draft;
  const said = document.getElementById("draft-said");
  const before = read(key);
  const cameBack = "unsent" in form.dataset; // filled in already, with what is wrong
  if (before && !cameBack) offer(key, before);
  let timer = 0;
  const keep = (more = {}) => {
    const now = Date.now();
    if (write(key, { ...filled(), at: now, ...more }) && said) said.textContent = `草稿 ${at(now)} 存在本机`;
  };
  for (const kind of ["input", "change", "picker-change"]) {
    form.addEventListener(kind, () => {
      clearTimeout(timer);
      timer = setTimeout(keep, 400);
    });
  }
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    keep({ sent: true });
  });
  window.addEventListener("offline", () => {
    keep();
    document.getElementById("draft-offline").hidden = false;
  });
  window.addEventListener("online", () => {
    document.getElementById("draft-offline").hidden = true;
  });
}
