// The values of a chart day by day: under the pointer, or with the arrow keys. Without scripts each day's
// strip has them as its title.
for (const figure of document.querySelectorAll("[data-chart]")) {
  const hits = [...figure.querySelectorAll(".hit")];
  const slider = figure.querySelector(".scrub");
  const now = figure.querySelector(".now");
  const cursor = figure.querySelector(".cursor");
  const height = figure.querySelector(".plot").viewBox.baseVal.height;
  const words = hits.map((hit) => hit.querySelector("title").textContent);
  const places = hits.map((hit) => Number(hit.dataset.at));
  const last = hits.length - 1;
  let day = last;
  for (const hit of hits) hit.remove();

  const show = (wanted, drawn = true) => {
    day = Math.max(0, Math.min(last, wanted));
    now.textContent = words[day];
    cursor.setAttribute("d", drawn ? `M${places[day]} 0V${height}` : "");
    slider.setAttribute("aria-valuenow", day + 1);
    slider.setAttribute("aria-valuetext", words[day]);
  };
  const under = (event) => {
    const box = slider.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * places[last];
    let nearest = 0;
    places.forEach((place, at) => {
      if (Math.abs(place - x) < Math.abs(places[nearest] - x)) nearest = at;
    });
    show(nearest);
  };

  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -7, PageUp: 7, Home: -Infinity, End: Infinity };
  slider.addEventListener("keydown", (event) => {
    if (!(event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    show(day + moves[event.key]);
  });
  slider.addEventListener("pointermove", under);
  slider.addEventListener("pointerdown", under);
  slider.addEventListener("focus", () => show(day));
  for (const left of ["pointerleave", "blur"]) slider.addEventListener(left, () => show(last, false));
  show(last, false);
  slider.hidden = false;
}
