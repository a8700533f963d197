// The picker: a person, unit or organization is searched by name, pinyin or code and becomes a chip with a
// hidden field. Markup: templates/parts/picker.html; the search address answers with picker_options.html.
// The box of every page (parts/top.html, pages/search/_now.html) is the same without chips: its options are
// links, none is marked before an arrow key is used, and Enter without a marked one shows all results.
const list = (picker) => picker.querySelector(".pick-list");
const input = (picker) => picker.querySelector(".pick-input");
const chips = (picker) => picker.querySelector(".chips");
const said = (picker) => picker.querySelector(".pick-said");
const options = (picker) => [...picker.querySelectorAll(".pick-option:not([aria-disabled=true])")];

const leads = (picker) => !chips(picker);
const chosen = (picker) => [...(chips(picker)?.children ?? [])].map((chip) => chip.dataset.value);

function shut(picker) {
  list(picker).replaceChildren();
  said(picker).textContent = "";
  input(picker).setAttribute("aria-expanded", "false");
  input(picker).removeAttribute("aria-activedescendant");
}

function mark(picker, option) {
  for (const other of options(picker)) {
    other.classList.toggle("on", other === option);
    other.setAttribute("aria-selected", other === option ? "true" : "false");
  }
  if (!option) return;
  input(picker).setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function changed(picker) {
  picker.dispatchEvent(new CustomEvent("picker-change", { bubbles: true, detail: { values: chosen(picker) } }));
}

function choose(picker, option) {
  const { value, label, note } = option.dataset;
  if (!picker.dataset.multiple) chips(picker).replaceChildren();
  if (!chosen(picker).includes(value)) {
    const chip = picker.querySelector("template").content.firstElementChild.cloneNode(true);
    chip.dataset.value = value;
    chip.querySelector("input").value = value;
    chip.querySelector(".pick-label").textContent = label;
    chip.querySelector("small").textContent = note || "";
    for (const named of chip.querySelectorAll("[data-says]")) {
      named.setAttribute("aria-label", `${named.dataset.says} ${label}`);
    }
    chips(picker).append(chip);
  }
  input(picker).value = "";
  shut(picker);
  input(picker).focus();
  changed(picker);
}

document.addEventListener("click", (event) => {
  const option = event.target.closest(".pick-option");
  if (option && !option.href && option.getAttribute("aria-disabled") !== "true") {
    const picker = option.closest("[data-picker]");
    if (picker) choose(picker, option);
    return;
  }
  const cross = event.target.closest(".pick-chip .chip-x");
  if (cross) {
    const picker = cross.closest("[data-picker]");
    cross.closest(".pick-chip").remove();
    input(picker).focus();
    changed(picker);
    return;
  }
  for (const picker of document.querySelectorAll("[data-picker]")) {
    if (!picker.contains(event.target)) shut(picker);
  }
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches(".pick-input") || event.isComposing) return;
  const picker = event.target.closest("[data-picker]");
  const found = options(picker);
  const at = found.findIndex((option) => option.classList.contains("on"));
  if (event.key === "ArrowDown" && found.length) {
    event.preventDefault();
    mark(picker, found[(at + 1) % found.length]);
  } else if (event.key === "ArrowUp" && found.length) {
    event.preventDefault();
    mark(picker, found[(at - 1 + found.length) % found.length]);
  } else if (event.key === "Enter") {
    // Enter chooses; it never sends the form from inside a picker.
    if (leads(picker) && at < 0) return;
    event.preventDefault();
    if (leads(picker)) found[at].click();
    else if (at >= 0) choose(picker, found[at]);
    else if (found.length === 1) choose(picker, found[0]);
  } else if (event.key === "Escape" && list(picker).children.length) {
    event.preventDefault();
    event.stopPropagation();
    shut(picker);
  } else if (event.key === "Backspace" && !event.target.value && chips(picker)?.lastElementChild) {
    chips(picker).lastElementChild.remove();
    changed(picker);
  } else if (event.key === "Tab") {
    shut(picker);
  }
});

// The search is asked with q=..., whatever the field is called; an empty box closes the list.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches(".pick-input")) return;
  const typed = event.target.value.trim();
  if (!typed) {
    event.preventDefault();
    shut(event.target.closest("[data-picker]"));
    return;
  }
  for (const name of Object.keys(event.detail.parameters)) delete event.detail.parameters[name];
  event.detail.parameters.q = typed;
});

// An answer that comes after the box was left or emptied is not shown.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.target.matches(".pick-list")) return;
  const field = input(event.detail.target.closest("[data-picker]"));
  if (!field.value.trim() || document.activeElement !== field) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterSwap", (event) => {
  const target = event.detail.target;
  if (!target || !target.matches(".pick-list")) return;
  const picker = target.closest("[data-picker]");
  const taken = new Set(chosen(picker));
  [...picker.querySelectorAll(".pick-option")].forEach((option, index) => {
    option.id = `${target.id}-${index}`;
    option.tabIndex = -1;
    option.setAttribute("role", "option");
    if (picker.dataset.multiple && taken.has(option.dataset.value)) option.setAttribute("aria-disabled", "true");
  });
  const number = options(picker).length;
  input(picker).setAttribute("aria-expanded", number ? "true" : "false");
  // A list of what is found is no live region: how many there are is said beside it.
  const nothing = picker.querySelector(".pick-none[role=option]");
  said(picker).textContent = nothing ? nothing.textContent : `找到 ${number - picker.querySelectorAll(".pick-all").length} 项`;
  if (!leads(picker)) mark(picker, options(picker)[0]);
});
