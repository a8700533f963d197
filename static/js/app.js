// Small conveniences of every page. Each page works without them.
const root = document.documentElement;
root.classList.add("js");

const loading = document.getElementById("loading");

// Escape closes the drawer and the open menu; a click and the focus outside a menu close it, too.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const drawer = document.getElementById("drawer");
    if (drawer) drawer.checked = false;
    const menu = document.querySelector("details.me[open], details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

for (const kind of ["focusin", "click"]) {
  document.addEventListener(kind, (event) => {
    for (const menu of document.querySelectorAll("details.me[open], details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
}

// Enter in a box that only filters what is beside it does not send the form around it.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.closest("[data-stays]")) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const close = event.target.closest("[data-dismiss]");
  if (close) close.closest(".line").remove();
  if (event.target.closest("[data-print]")) window.print();
});

// Forms marked data-auto are sent when a field changes.
document.addEventListener("change", (event) => {
  const field = event.target;
  const form = field.form;
  // What is typed into a picker is a search, not yet a choice.
  if (!form || !form.matches("[data-auto]") || field.matches(".pick-input")) return;
  form.requestSubmit();
});

document.addEventListener("picker-change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form) form.requestSubmit();
});

// The bar above a table says how many rows are ticked; one tick takes or leaves all of the page.
document.addEventListener("change", (event) => {
  const form = event.target.form;
  const said = form && form.querySelector("[data-ticked]");
  if (!said) return;
  const boxes = [...form.elements].filter((each) => each.name === "row");
  if (event.target.dataset.tick) for (const each of boxes) each.checked = event.target.checked;
  const number = boxes.filter((each) => each.checked).length;
  const everything = form.elements.all && form.elements.all.checked;
  said.textContent = everything ? "已选全部" : number ? `已选 ${number} 条` : "勾选后办理";
  said.classList.toggle("on", Boolean(everything || number));
});

// The name of a chosen file stands beside its button (templates/parts/file.html).
document.addEventListener("change", ({ target }) => {
  const said = target.type === "file" && target.closest(".file")?.querySelector(".file-name");
  if (said) said.textContent = [...target.files].map((file) => file.name).join("、") || said.dataset.none;
});

// The button of a comparison says how many units are ticked.
document.addEventListener("change", (event) => {
  const button = event.target.matches("td.tick input") && event.target.form?.querySelector("[data-compares]");
  if (!button) return;
  const number = [...event.target.form.elements].filter((each) => each.checked).length;
  button.textContent = number ? `对比已选 ${number} 个` : "对比所选";
});

// GET forms leave empty fields, and those at the value that holds anyway (data-default), out of the address; a
// named button replaces the field of its name.
// POST forms are sent once. What htmx sends is left to htmx.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (event.defaultPrevented || form.matches("[hx-get], [hx-post]")) return;
  if ((form.getAttribute("method") || "get").toLowerCase() === "post") {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (!form.matches("[data-download]")) {
      form.dataset.sent = "1";
      if (button) button.setAttribute("aria-busy", "true");
    }
  } else {
    const name = button && button.name;
    const left = [...form.elements].filter(
      (field) =>
        field.name &&
        !field.disabled &&
        (field.value === "" || field.value === field.dataset.default || (field !== button && field.name === name)),
    );
    for (const field of left) field.disabled = true;
    setTimeout(() => {
      for (const field of left) field.disabled = false;
    });
  }
  if (loading && !form.matches("[data-download]")) loading.classList.add("on");
});

// What is filled in and not yet sent is not left without asking; 取消 is an answer already. A form that came back
// (data-unsent: to be corrected, confirmed, or looked at once more) is filled in from the start.
let unsent = Boolean(document.querySelector("main form.form[data-unsent]"));
for (const kind of ["input", "picker-change"]) {
  document.addEventListener(kind, (event) => {
    if (event.target.closest("main form.form")) unsent = true;
  });
}
document.addEventListener("submit", (event) => {
  if (event.target.matches("form.form")) unsent = false;
});
document.addEventListener("click", (event) => {
  if (event.target.closest(".form-do a")) unsent = false;
});
window.addEventListener("beforeunload", (event) => {
  if (unsent) event.preventDefault();
});

// Coming back by the browser's back button finds every form usable again.
window.addEventListener("pageshow", () => {
  if (loading) loading.classList.remove("on");
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("form [aria-busy]")) button.removeAttribute("aria-busy");
});

// <details data-keep="name"> stay as the user left them during the session.
function stored(key, value) {
  try {
    if (value === undefined) return sessionStorage.getItem(key);
    sessionStorage.setItem(key, value);
  } catch {
    // Storage may be switched off; the page then simply forgets.
  }
  return null;
}
function keep(within) {
  for (const box of within.querySelectorAll("details[data-keep]")) {
    const was = stored(`details:${box.dataset.keep}`);
    if (was !== null && !box.querySelector(".error")) box.open = was === "1";
  }
}
keep(document);
document.addEventListener("toggle", ({ target }) => {
  if (target.matches("details[data-keep]")) stored(`details:${target.dataset.keep}`, target.open ? "1" : "0");
}, true); // it does not bubble
document.addEventListener("htmx:afterSwap", (event) => keep(event.detail.target.parentNode ?? document));

// After a form came back, the reader stands at its summary.
const summary = document.querySelector(".summary[tabindex]");
if (summary) summary.focus();

// htmx: say when a request failed, until it succeeds; and go to the login page when the session has ended.
let failed = null; // what asked
function say({ detail }) {
  const pattern = document.getElementById("line-failed");
  const place = document.getElementById("lines");
  if (!pattern || !place) return;
  const line = pattern.content.firstElementChild.cloneNode(true);
  const number = detail.xhr.getResponseHeader("X-Request-Number");
  line.querySelector(number ? "[data-unanswered]" : "[data-answered]").remove();
  if (number) line.querySelector("[data-answered] b").textContent = number;
  place.replaceChildren(line);
  failed = { by: detail.requestConfig.elt, line };
}
// Where something says that it waits for the answer it says that none came, and can be asked again.
function offer({ detail }) {
  const waits = detail.elt.querySelector("[data-wait]");
  const pattern = document.getElementById("wait-failed");
  if (!waits || !pattern) return;
  const again = pattern.content.firstElementChild.cloneNode(true);
  again.addEventListener("click", () => {
    waits.textContent = waits.dataset.wait;
    htmx.trigger(detail.elt, "ask-again");
  });
  waits.dataset.wait ||= waits.textContent;
  waits.replaceChildren(again);
}
for (const kind of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(kind, say);
  document.addEventListener(kind, offer);
}
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful || detail.requestConfig.elt !== failed?.by) return; // detail.elt may be gone
  failed.line.remove();
  failed = null;
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const login = document.body.dataset.login;
  const address = event.detail.xhr.responseURL;
  if (login && address && new URL(address, location.href).pathname === login && location.pathname !== login) {
    event.detail.shouldSwap = false;
    // What is filled in stays: saving it leads through the login and back.
    if (!unsent) location.reload();
  }
});
