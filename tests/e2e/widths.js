// What does not fit on the page as it is now: a list of what is wrong, empty when all is well.
() => {
  const found = [];
  const add = (what, element) => {
    const text = element.textContent.trim().slice(0, 20);
    if (found.length < 8) found.push(`${what}: ${element.tagName.toLowerCase()}.${element.className} ${text}`);
  };
  const apart = "svg, .sr-only, .pick-list, .menu > :not(summary), .calendar"; // pictures, and what opens over the page
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`scrolls sideways: ${wide}`);
  for (const element of document.querySelectorAll("main *")) {
    const box = element.getBoundingClientRect();
    if (!box.width || element.closest(apart) || !element.checkVisibility({ opacityProperty: true })) continue;
    const style = getComputedStyle(element);
    const [over, beyond] = [element.scrollWidth > element.clientWidth + 1, element.scrollHeight > element.clientHeight + 1];
    const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY) && !element.matches("textarea, select");
    if (scrolls && (over || beyond)) add("scrolls inside the page", element);
    const card = element.closest(".card");
    if (card && box.right > card.getBoundingClientRect().right + 1) add("leaves its card", element);
    if (over && style.overflowX !== "visible" && element.matches(".n, .n *, .num, .value, .delta, .tag, .btn")) add("is cut", element);
    if (box.width < 40 && element.matches("td:not(.n, .tick), tbody th") && element.textContent.trim().length > 4) add("is squeezed", element);
    // the middle of the first line of what is read or pressed belongs to it
    if (element.matches("a, button, label, input, select, .tag, .chip, .value, .delta")) {
      const line = element.getClientRects()[0];
      const end = Math.min(line.right, element.closest("td, th")?.getBoundingClientRect().right ?? line.right);
      const top = document.elementFromPoint((line.left + end) / 2, line.top + line.height / 2);
      if (top && !element.contains(top) && !top.contains(element) && top.closest("main")) add("lies under another", element);
    }
  }
  for (const pair of document.querySelectorAll(".two")) {
    const ends = [...pair.children].map((column) => {
      const cards = [column, ...column.querySelectorAll(":scope > *")].filter((each) => each.matches(".card"));
      return [column.getBoundingClientRect().top, cards.at(-1)?.getBoundingClientRect().bottom ?? 0];
    });
    for (const [top, bottom] of ends) {
      const beside = ends.filter(([other]) => Math.abs(other - top) < 2);
      if (Math.max(...beside.map(([, end]) => end)) - bottom > 200) add("a hole beside a long column", pair);
    }
  }
  // a phone's first screen holds the first row of a list, but for what must be said above it
  const row = document.querySelector("main > section.card")?.querySelector("#rows tbody tr");
  const said = [...document.querySelectorAll("main > .line")].reduce((sum, line) => sum + line.offsetHeight + 16, 0);
  if (innerWidth < 641 && row && row.getBoundingClientRect().top - said > 664) add("begins below the first screen", row);
  return found;
}
