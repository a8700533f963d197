// Photos and files of a form: each is sent by itself as soon as it is chosen, dropped or taken, with its progress;
// what has come in is a hidden number in the form, so nothing is sent twice and a broken line loses nothing.
// Markup: templates/files/_box.html; the answer to an upload is files/_item.html. Without this script the browser's
// own box sends all of them with the form.
const MOST_BYTES = 20 * 1024 * 1024;
const queues = new WeakMap();

const items = (box) => [...box.querySelectorAll(".photo")];
const say = (box, text) => {
  box.querySelector(".photos-said").textContent = text;
};
const state = (item, text) => {
  item.querySelector(".photo-state").textContent = text;
};

function changed(box) {
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

function failed(item, text, again) {
  item.classList.add("failed");
  item.querySelector("progress").hidden = true;
  item.querySelector(".photo-again").hidden = !again;
  state(item, text);
}

// Sends one file; done when its item is replaced by the answer or says what went wrong.
function send(box, item, file) {
  const words = item.querySelector(".photo-state").dataset;
  const bar = item.querySelector("progress");
  item.classList.remove("failed");
  item.querySelector(".photo-again").hidden = true;
  bar.hidden = false;
  return new Promise((done) => {
    const data = new FormData();
    data.append("kind", box.dataset.kind);
    data.append("name", box.dataset.name);
    data.append("file", file);
    const request = new XMLHttpRequest();
    request.open("POST", box.dataset.url);
    request.setRequestHeader("X-CSRFToken", box.closest("form").elements.csrfmiddlewaretoken.value);
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      bar.value = (event.loaded / event.total) * 100;
      state(item, event.loaded < event.total ? `已传 ${Math.floor(bar.value)}%` : words.works);
    });
    request.addEventListener("loadend", () => {
      if (item.isConnected && request.status === 201) {
        item.insertAdjacentHTML("afterend", request.responseText);
        item.remove();
        changed(box);
      } else if (request.status === 422 || request.status === 503 || request.status === 408) {
        failed(item, request.responseText, request.status !== 422);
      } else if (request.status === 200) {
        failed(item, words.login, true); // the login page
      } else {
        failed(item, words.lost, true);
      }
      done();
    });
    item.cancel = () => request.abort();
    request.send(data);
  });
}

// One after the other: the line of a post is narrow, and the server draws one at a time.
function queue(box, item, file) {
  state(item, item.querySelector(".photo-state").dataset.waits);
  const next = (queues.get(box) ?? Promise.resolve()).then(() => item.isConnected && send(box, item, file));
  queues.set(box, next);
}

function take(box, files) {
  const room = Number(box.dataset.most) - items(box).filter((item) => !item.matches(".failed")).length;
  const taken = [...files].slice(0, Math.max(0, room));
  say(box, taken.length < files.length ? `最多 ${box.dataset.most} 个,其余 ${files.length - taken.length} 个没有放入。` : "");
  for (const file of taken) {
    const item = box.querySelector("template").content.firstElementChild.cloneNode(true);
    item.querySelector(".photo-name").textContent = file.name;
    item.querySelector(".photo-x").setAttribute("aria-label", `去掉 ${file.name}`);
    box.querySelector(".photos").append(item);
    item.file = file;
    if (file.size > MOST_BYTES) failed(item, `“${file.name}”超过 20 MB。`, false);
    else queue(box, item, file);
  }
}

document.addEventListener("change", ({ target }) => {
  const box = target.type === "file" && target.closest("[data-photos]");
  if (!box) return;
  take(box, target.files);
  target.value = ""; // else it would be sent again with the form
});

document.addEventListener("click", ({ target }) => {
  const item = target.closest("[data-photos] .photo");
  if (!item) return;
  const box = item.closest("[data-photos]");
  if (target.closest(".photo-x")) {
    const next = item.nextElementSibling?.querySelector(".photo-x") ?? box.querySelector("input[type=file]");
    if (item.cancel) item.cancel();
    item.remove();
    next.focus();
    changed(box);
  } else if (target.closest(".photo-again")) {
    queue(box, item, item.file);
  }
});

for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    const box = event.target.closest?.("[data-photos]");
    if (!box || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (kind === "drop") take(box, event.dataTransfer.files);
  });
}

// A draft is taken up again (draft.js): what was uploaded for it and not saved stands in the form again.
document.addEventListener("draft-fill", async ({ target, detail: { values } }) => {
  for (const box of target.querySelectorAll("[data-photos]")) {
    const { name, kind, url } = box.dataset;
    const there = new Set(items(box).map((item) => item.dataset.file));
    const pks = values.filter(([field, pk]) => field === name && !there.has(pk)).map(([, pk]) => ["pk", pk]);
    if (!pks.length) continue;
    const answer = await fetch(`${url}?${new URLSearchParams([["name", name], ["kind", kind], ...pks])}`);
    if (!answer.ok || answer.redirected) continue;
    box.querySelector(".photos").insertAdjacentHTML("beforeend", await answer.text());
    for (const [field, value] of values) {
      const input = field.startsWith(`${name}_caption_`) && box.querySelector(`[name="${CSS.escape(field)}"]`);
      if (input) input.value = value;
    }
    changed(box);
  }
});

// The line is back: what was lost is sent again.
window.addEventListener("online", () => {
  for (const again of document.querySelectorAll("[data-photos] .failed .photo-again:not([hidden])")) again.click();
});

// A form is not saved while a photo is still on its way.
document.addEventListener(
  "submit",
  (event) => {
    const box = [...event.target.querySelectorAll("[data-photos]")].find((each) => each.querySelector(".sending:not(.failed)"));
    if (!box) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    say(box, "还有照片或附件正在上传,传完后再保存。");
    box.scrollIntoView({ block: "center" });
  },
  true,
);
