/* Lines of a form that are put in order by dragging; the arrows beside them do the same without a mouse. */
"use strict";

function renumber(list) {
  const part = list.dataset.lines;
  const name = new RegExp(`^(id_)?${part}-\\d+-`);
  list.querySelectorAll(":scope > li").forEach((line, place) => {
    line.querySelectorAll("[name], [id], [for]").forEach((each) => {
      for (const key of ["name", "id", "for"]) {
        const value = each.getAttribute(key);
        if (value && name.test(value)) each.setAttribute(key, value.replace(/-\d+-/, `-${place}-`));
      }
    });
    line.querySelectorAll("button[name=do]").forEach((button) => {
      const [verb] = button.value.split(":");
      button.value = `${verb}:${part}:${place}`;
      button.setAttribute("hx-vals", JSON.stringify({ do: button.value }));
    });
  });
}

function follow(list) {
  let held = null;
  list.querySelectorAll(":scope > li.line-of-design").forEach((line) => {
    line.querySelector(".line-do")?.insertAdjacentHTML("afterbegin", '<span class="grip" aria-hidden="true">⠿</span>');
    const grip = line.querySelector(".grip");
    grip?.addEventListener("pointerdown", () => { line.draggable = true; });
    line.addEventListener("dragstart", () => { held = line; line.classList.add("held"); });
    line.addEventListener("dragend", () => {
      line.draggable = false;
      line.classList.remove("held");
      held = null;
      renumber(list);
      list.dispatchEvent(new Event("change", { bubbles: true }));
    });
    line.addEventListener("dragover", (event) => {
      if (!held || held === line) return;
      event.preventDefault();
      const middle = line.getBoundingClientRect().top + line.offsetHeight / 2;
      list.insertBefore(held, event.clientY < middle ? line : line.nextSibling);
    });
  });
}

function start(root) {
  root.querySelectorAll("[data-lines]").forEach(follow);
}

start(document);
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "design" || event.detail.elt?.id === "design") start(document.getElementById("design"));
});
