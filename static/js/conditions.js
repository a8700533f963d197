// Fields that are asked for only where another one says so: a form's data-conditions names of each of them the
// field on which it depends, and the choices that ask for it (none: anything that is filled in). What is not asked
// for is hidden and not sent. Without this script all are shown, and the server says what was filled in needlessly.
const form = document.querySelector("form[data-conditions]");

function frame(name) {
  const part = document.getElementById(`id_${name}`) ?? form.querySelector(`[data-name="${name}"]`);
  return part?.closest(".field");
}

function show() {
  for (const [name, [on, ...among]] of Object.entries(JSON.parse(form.dataset.conditions))) {
    const values = new FormData(form).getAll(on).filter(Boolean);
    const isAsked = among.length ? values.some((value) => among.includes(value)) : values.length > 0;
    const whole = frame(name);
    if (!whole) continue;
    whole.hidden = !isAsked;
    for (const each of whole.querySelectorAll("input, select, textarea, button")) each.disabled = !isAsked;
  }
}

if (form) {
  for (const event of ["input", "change", "click", "draft-fill"]) form.addEventListener(event, () => setTimeout(show));
  show();
}
