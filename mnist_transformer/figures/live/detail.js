// One part of the machine, opened: a section for each kind of view, one under another.
//
//   const stop = drawDetail(element, data, {store, switched})
//
// data is `part_data` of details.py. Called again with the same element, it shows the new data in
// place. switched(name) is told of a head or layer that is to be switched off, or on again; without
// it, there is nothing to switch. Every section follows the store: its step, head and patch. Needs follow.js, maps.js,
// paint.js, and the files with the views.

// A view is given its section, the whole data, the store and `switched`, and gives its element and
// what shows the store's choice: {title, element, show(now)}.
const VIEWS = {
  attention: attentionView,
  neurons: neuronsView,
  vectors: vectorsView,
  stream: streamView,
  lens: lensView,
  early: earlyView,
  outcomes: outcomesView,
  decided: decidedView,
  pixels: pixelsView,
  filters: filtersView,
  likeness: likenessView,
  source: sourceView,
};

function drawDetail(element, data, { store = pageStore(), switched } = {}) {
  const detail = (element.mnistDetail ??= buildDetail(element, store));
  detail.switched = switched;
  detail.load(data);
  return detail.stop;
}

function buildDetail(element, store) {
  const root = make("section", "mnist-detail");
  element.append(root);
  let data = null;
  let views = [];

  function load(fresh) {
    // A rerun that changes nothing must not touch a thing.
    if (JSON.stringify(fresh) === JSON.stringify(data)) return;
    root.hidden = !fresh.sections;
    if (root.hidden) {
      data = null;
      delete root.dataset.part;
      return;
    }
    const isAnother = root.dataset.part !== fresh.part.name;
    // What the visitor has set within the part, such as whose scale is used, outlives a new drawing.
    const settings = data?.part.name === fresh.part.name ? data.settings : {};
    data = fresh;
    Object.defineProperty(data, "settings", { value: settings });
    root.style.minHeight = `${root.offsetHeight}px`; // nothing below moves while this is drawn anew
    views = data.sections.map((section) =>
      VIEWS[section.view](section, data, store, detail.switched),
    );
    root.replaceChildren(...views.map(framed));
    root.dataset.part = data.part.name;
    update(store.now);
    root.style.minHeight = "";
    if (isAnother) bringBelowIntoSight(root);
  }

  function framed({ title, element }) {
    const save = make("button", "save", "SVG");
    save.type = "button";
    save.title = "Save what stands here as an SVG file";
    const heading = make("h4", "", title);
    const section = make("section", "detail-section", heading, element);
    if (element.querySelector("canvas, table")) heading.append(save);
    save.onclick = () => saveSvg(element, `${data.part.name}: ${title}`);
    return section;
  }

  function update(now) {
    if (!data) return;
    const chosen = within(now, data.steps.length, data.rows * data.columns);
    const patch = chosen.patch ?? data.patch;
    for (const view of views) view.show({ ...chosen, patch, isChosen: chosen.patch !== null });
  }

  const unsubscribe = store.subscribe(update);
  const detail = {
    load,
    stop() {
      unsubscribe();
      root.remove();
      delete element.mnistDetail;
    },
  };
  return detail;
}

// What was opened is to be seen, with the strip above it (its height is a margin in detail.css).
function bringBelowIntoSight(root) {
  const inSight = innerHeight - root.getBoundingClientRect().top;
  if (inSight < 160) root.scrollIntoView({ block: "start", behavior: "smooth" });
}

// --- what several views share ------------------------------------------------------------------

// Which row of a section's numbers is shown: that of the step, or of the patch.
function rowOf(section, now) {
  return section.of === "patch" ? now.patch : now.step;
}

function rowName(section, data, now) {
  if (section.of === "patch") return patchName(data, now.patch);
  return `step ${now.step + 1}, which is given “${data.given[now.step]}”`;
}

function patchName(data, patch) {
  return `the patch in row ${Math.floor(patch / data.columns) + 1}, column ${(patch % data.columns) + 1}`;
}

// The patch under the pointer on a map that `paintMap` painted.
function patchUnder(event, data, whole) {
  const [first, end] = whole ? [0, data.columns] : data.crop;
  const { left, top, width, height } = event.currentTarget.getBoundingClientRect();
  const column = first + Math.floor(((event.clientX - left) / width) * (end - first));
  const row = Math.floor(((event.clientY - top) / height) * data.rows);
  const isInside = column >= first && column < end && row >= 0 && row < data.rows;
  return isInside ? row * data.columns + column : null;
}

// A map to be touched, or walked over with the arrow keys; chosen(patch), pointed(patch or null).
function touchable(canvas, data, { chosen, pointed, at, whole = () => false }) {
  canvas.tabIndex = 0;
  canvas.classList.add("touchable");
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "The drawing: choose a patch by touch or with the arrow keys");
  canvas.onclick = (event) => {
    const patch = patchUnder(event, data, whole());
    if (patch !== null) chosen(patch);
  };
  canvas.onpointermove = (event) =>
    event.pointerType === "mouse" && pointed(patchUnder(event, data, whole()));
  canvas.onpointerleave = () => pointed(null);
  canvas.onkeydown = (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation();
    const [down, right] = moves[event.key];
    const row = clamp(Math.floor(at() / data.columns) + down, 0, data.rows - 1);
    const column = clamp((at() % data.columns) + right, 0, data.columns - 1);
    chosen(row * data.columns + column);
  };
}

// A map on which the page's patch is chosen, and shown for as long as the pointer is on it.
function choosesPatch(canvas, data, store, at) {
  touchable(canvas, data, {
    chosen: (patch) => store.set({ patch }),
    pointed: (patch) => store.hover(patch === null ? {} : { patch }),
    at,
  });
}

function clamp(number, low, high) {
  return Math.max(low, Math.min(high, number));
}

// A switch that keeps its place in `settings` under `name`.
function toggle(settings, name, label, changed) {
  const box = make("input");
  box.type = "checkbox";
  box.checked = settings[name] ?? false;
  box.onchange = () => {
    settings[name] = box.checked;
    changed();
  };
  return make("label", "toggle", box, ` ${label}`);
}

// A button that switches a head or a layer off, or on again; null where nothing can be switched.
function offSwitch(name, label, data, switched) {
  if (!switched) return null;
  const isOff = data.off.includes(name);
  const button = make(
    "button",
    "switch",
    `${isOff ? "switch on" : "switch off"}${label && ` ${label}`}`,
  );
  button.type = "button";
  button.dataset.switch = name;
  button.setAttribute("aria-pressed", isOff);
  button.onclick = () => switched(name);
  return button;
}

// What the colours mean: from 0 to the peak, painted as the maps are.
function colourBar() {
  const steps = make("span", "colours");
  for (let n = 0; n <= 20; n++) {
    const step = make("i");
    step.style.background = glow(n / 20);
    steps.append(step);
  }
  const end = make("span", "end");
  const what = make("span");
  return {
    element: make("span", "colour-bar", "0%", steps, end, what),
    show(text, ofWhat) {
      end.textContent = text;
      what.textContent = ofWhat;
    },
  };
}

// Everything painted and written in an element, as a picture that keeps its sharpness.
function saveSvg(element, name) {
  const frame = element.getBoundingClientRect();
  const pieces = [];
  for (const canvas of element.querySelectorAll("canvas")) {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const place = `x="${left - frame.left}" y="${top - frame.top}" width="${width}" height="${height}"`;
    const style = 'preserveAspectRatio="none" style="image-rendering:pixelated"';
    if (width) pieces.push(`<image ${place} ${style} href="${canvas.toDataURL()}"/>`);
  }
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (walker.nextNode()) {
    range.selectNodeContents(walker.currentNode);
    const [box] = range.getClientRects();
    const text = walker.currentNode.textContent.trim();
    if (!box || !text || walker.currentNode.parentElement.closest("option, button.save")) continue;
    const style = getComputedStyle(walker.currentNode.parentElement);
    const place = `x="${box.left - frame.left}" y="${box.bottom - frame.top - box.height * 0.22}"`;
    const plain = text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
    pieces.push(
      `<text ${place} font-size="${style.fontSize}" font-weight="${style.fontWeight}">${plain}</text>`,
    );
  }
  const size = `width="${frame.width}" height="${frame.height}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif">${pieces.join("")}</svg>`;
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  link.download = `${name.replace(/[^\w]+/g, "_")}.svg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
