// Dates. What is typed or pasted (2.3, 2020年2月3日) is read by the server, the same function that reads it when the form
// is sent; the calendar follows the ARIA pattern of a date picker dialog. Markup: templates/parts/day.html, calendar.html.
const pattern = document.getElementById("calendar");
const WRITTEN = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86400000;
const WEEK = "一二三四五六日";

const box = (part) => part.closest(".day").querySelector(".day-box");
const near = (field) => field.closest(".day").dataset.near;

// Days are numbers since 1970 in UTC, so that no zone moves them.
const number = (text) => Math.round(Date.parse(`${text}T00:00:00Z`) / DAY_MS);
const text = (day) => new Date(day * DAY_MS).toISOString().slice(0, 10);
const weekday = (day) => (((day + 3) % 7) + 7) % 7; // 0 is Monday
const today = () => {
  const now = new Date();
  return Math.round(Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) / DAY_MS);
};
function later(day, months) {
  const [year, month, date] = text(day).split("-").map(Number);
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
  return Math.round(Date.UTC(year, month - 1 + months, Math.min(date, last)) / DAY_MS);
}

// --- What is typed ---------------------------------------------------------------------------------

function say(field, words) {
  const around = field.closest(".day");
  around.querySelector(".day-says")?.remove();
  if (!words) return;
  const line = document.createElement("small");
  line.className = "day-says";
  line.setAttribute("role", "alert");
  line.textContent = words;
  around.append(line);
}

// Write the day that is meant into the box; false where the text is none. Without an answer it stays as it was typed.
async function read(field) {
  const asked = field.value;
  const query = new URLSearchParams({ q: asked, near: near(field) });
  try {
    const answer = await (await fetch(`${pattern.dataset.reads}?${query}`, { credentials: "same-origin" })).json();
    if (field.value !== asked) return false;
    say(field, answer.says);
    if (answer.says) return false;
    field.value = answer.day;
  } catch {
    // The server reads it again when the form is sent.
  }
  return true;
}

const isDay = (value) => WRITTEN.test(value) && !Number.isNaN(number(value)) && text(number(value)) === value;
const isRead = (field) => !field.value || isDay(field.value);

function changed(field) {
  say(field, "");
  for (const kind of ["input", "change"]) field.dispatchEvent(new CustomEvent(kind, { bubbles: true, detail: "read" }));
}

// Before anybody else hears of the change, the text becomes a day.
document.addEventListener("change", async (event) => {
  const field = event.target;
  if (!field.matches(".day-box") || event.detail === "read" || isRead(field)) return;
  event.stopImmediatePropagation();
  if (await read(field)) changed(field);
}, true);

document.addEventListener("input", ({ target }) => {
  if (target.matches(".day-box")) say(target, "");
});

document.addEventListener("keydown", async (event) => {
  const field = event.target;
  if (!field.matches(".day-box") || event.isComposing || event.defaultPrevented) return;
  if (event.key === "ArrowDown" && (event.altKey || event.ctrlKey)) {
    event.preventDefault();
    open(field);
  } else if (event.key === "Enter" && field.form && !isRead(field)) {
    event.preventDefault();
    const form = field.form;
    if (await read(field)) form.requestSubmit(form.querySelector("button:not([type=button], [disabled])"));
  }
});

// --- The calendar ----------------------------------------------------------------------------------

let dialog = null;
let of = null; // the box
let shown = 0; // the day that has the focus

function draw() {
  const [year, month] = text(shown).split("-").map(Number);
  dialog.querySelector("#calendar-month").textContent = `${year}年${month}月`;
  const first = number(`${text(shown).slice(0, 7)}-01`);
  const next = later(first, 1);
  const rows = [];
  for (let monday = first - weekday(first); monday < next; monday += 7) {
    const row = document.createElement("tr");
    for (let day = monday; day < monday + 7; day += 1) {
      const cell = document.createElement("td");
      if (day >= first && day < next) {
        const written = text(day);
        const date = Number(written.slice(8));
        cell.textContent = date;
        cell.dataset.day = written;
        cell.tabIndex = day === shown ? 0 : -1;
        cell.setAttribute("aria-label", `${month}月${date}日 星期${WEEK[weekday(day)]}`);
        cell.setAttribute("aria-selected", written === of.value ? "true" : "false");
        if (day === today()) cell.setAttribute("aria-current", "date");
      }
      row.append(cell);
    }
    rows.push(row);
  }
  dialog.querySelector("tbody").replaceChildren(...rows);
}

function go(day, isFocused = true) {
  shown = Math.max(number("1900-01-01"), Math.min(day, number("2099-12-31")));
  draw();
  if (isFocused) dialog.querySelector("td[tabindex='0']").focus();
}

// Below the box, or above it where there is no room; never over the edge of the window.
function place() {
  const at = of.closest(".day").getBoundingClientRect();
  const below = at.bottom + 4;
  const isRoom = below + dialog.offsetHeight <= innerHeight || at.top < dialog.offsetHeight;
  const top = isRoom ? Math.min(below, innerHeight - dialog.offsetHeight - 4) : at.top - dialog.offsetHeight - 4;
  dialog.style.top = `${Math.max(4, top)}px`;
  dialog.style.left = `${Math.max(4, Math.min(at.left, innerWidth - dialog.offsetWidth - 4))}px`;
}

// The table is made here, so that no page holds an empty one.
function grid(place) {
  const table = document.createElement("table");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-labelledby", "calendar-month");
  const heads = table.createTHead().insertRow();
  for (const name of WEEK) {
    const head = document.createElement("th");
    head.scope = "col";
    head.abbr = `星期${name}`;
    head.textContent = name;
    heads.append(head);
  }
  table.createTBody();
  place.append(table);
}

function open(field) {
  if (!dialog) {
    dialog = pattern.content.firstElementChild.cloneNode(true);
    grid(dialog.querySelector(".calendar-days"));
    document.body.append(dialog);
    dialog.addEventListener("click", onClick);
    dialog.addEventListener("keydown", onKey);
  }
  of = field;
  dialog.showModal();
  go(number(isDay(field.value) ? field.value : near(field)));
  place();
}

function take(day) {
  dialog.close(); // and the focus goes back to what opened it
  if (of.value === day) return;
  of.value = day;
  changed(of);
}

function onClick(event) {
  const { target } = event;
  const button = target.closest("button");
  if (target === dialog || button?.hasAttribute("data-shut")) dialog.close();
  else if (button?.dataset.months) go(later(shown, Number(button.dataset.months)), false);
  else if (button?.dataset.day === "today") take(text(today()));
  else if (button) take("");
  else if (target.dataset.day) take(target.dataset.day);
}

const STEPS = {
  ArrowLeft: (day) => day - 1,
  ArrowRight: (day) => day + 1,
  ArrowUp: (day) => day - 7,
  ArrowDown: (day) => day + 7,
  Home: (day) => day - weekday(day),
  End: (day) => day + 6 - weekday(day),
  PageUp: (day, isYear) => later(day, isYear ? -12 : -1),
  PageDown: (day, isYear) => later(day, isYear ? 12 : 1),
};

function onKey(event) {
  const cell = event.target.closest("td[data-day]");
  if (!cell) return;
  if (STEPS[event.key]) {
    event.preventDefault();
    go(STEPS[event.key](shown, event.shiftKey));
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    take(cell.dataset.day);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".day-open");
  if (button) open(box(button));
});

for (const kind of ["resize", "scroll"]) {
  addEventListener(kind, () => {
    if (dialog?.open) place();
  }, { passive: true });
}
