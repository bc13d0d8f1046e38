// The machine: a box for every part of the model, in one row, each with its live state.
//
//   const stop = drawStrip(element, data, {store, opened})
//
// data is `machine_data` of machine.py. Called again with the same element, the boxes stay and show
// the new data. A box that is pressed is the store's `part`; opened(part) is told of every other
// choice, null for none, wherever it was made. Needs follow.js, maps.js, paint.js and wires.js.

const GROUPS = {
  drawing: "the drawing",
  encoder: "encoder: looks over the drawing, once",
  decoder: "decoder: once for every digit",
};
const INVITATION =
  "This is the whole model, and what it does right now. Choose a part to look into it.";

function drawStrip(element, data, { store = pageStore(), opened = () => {} } = {}) {
  const names = data.parts.map((part) => part.name).join();
  if (element.mnistStrip?.names !== names) {
    element.mnistStrip?.stop();
    element.mnistStrip = buildStrip(element, data, names, store);
  }
  element.mnistStrip.load(data, opened);
  return element.mnistStrip.stop;
}

function buildStrip(element, { parts }, names, store) {
  const boxes = new Map(parts.map((part) => [part.name, buildBox(part, store)]));
  const row = make("div", "strip-row");
  for (const [group, title] of Object.entries(GROUPS)) {
    const inside = parts.filter((part) => part.group === group);
    const line = make("div", "strip-parts", ...inside.map((part) => boxes.get(part.name)));
    const section = make("section", `strip-group ${group}`, make("h3", "", title), line);
    section.style.flexGrow = inside.length;
    row.append(section);
  }
  const wires = makeWires(row, boxes);
  const scroll = make("div", "strip-scroll", row);
  const says = make("div", "strip-says");
  const root = make("section", "mnist-strip", scroll, says);
  root.setAttribute("aria-label", "The machine: every part of the model");
  element.append(root);

  let data = null;
  let opened = null;
  let told = null; // the part that `opened` was told last
  let painted = null; // the step and the patch that the boxes show
  let pointed = null; // the box under the pointer or in focus

  function load(fresh, tell) {
    opened = tell;
    // A rerun that changes nothing must not touch a thing.
    if (JSON.stringify(fresh) !== JSON.stringify(data)) {
      data = fresh;
      root.classList.toggle("idle", !data.steps.length);
      for (const part of data.parts) paintStill(boxes.get(part.name), part, data);
      painted = null;
      update(store.now);
      wires.draw();
    }
  }

  const stepOf = (now) => (now.step < data.steps.length ? now.step : 0);

  function update(now) {
    if (!data) return;
    const step = stepOf(now);
    const isNew = painted !== `${step} ${now.patch}`;
    painted = `${step} ${now.patch}`;
    for (const part of data.parts) {
      const box = boxes.get(part.name);
      if (data.steps.length && isNew) paintStep(box, part, data, step, now);
      const isChosen = part.name === now.part;
      if (isChosen && box.getAttribute("aria-pressed") === "false") bringIntoSight(scroll, box);
      box.setAttribute("aria-pressed", isChosen);
    }
    say(now, step);
    const isKnown = now.part === null || boxes.has(now.part);
    if (now.part !== told && isKnown) opened((told = now.part));
  }

  // All sentences lie over one another, so that the room is that of the longest.
  function say(now, step) {
    const shown = boxes.has(pointed ?? now.part) ? (pointed ?? now.part) : "";
    const texts = [
      ["", INVITATION],
      ...data.parts.map((part) => [part.name, spoken(part, step, now)]),
    ];
    says.replaceChildren(
      ...texts.map(([name, text]) => {
        const line = make("p", "", make("b", "", name && `${labelOf(name)}: `), text);
        line.classList.toggle("said", name === shown);
        return line;
      }),
    );
  }

  function labelOf(name) {
    return data.parts.find((part) => part.name === name).label;
  }

  function point(event) {
    const box = event.target.closest?.(".part");
    pointed = box?.dataset.part ?? null;
    if (data) say(store.now, stepOf(store.now));
  }
  row.onpointerover = (event) => event.pointerType === "mouse" && point(event);
  row.onpointerleave = () => point({ target: row });
  row.addEventListener("focusin", point);
  row.addEventListener("focusout", () => point({ target: row }));
  row.onkeydown = (event) => moveFocus(event, [...boxes.values()]);

  const unsubscribe = store.subscribe(update);
  return {
    names,
    load,
    stop() {
      unsubscribe();
      wires.stop();
      root.remove();
      delete element.mnistStrip;
    },
  };
}

function buildBox(part, store) {
  const pieces = ["name", "picture", "state", "flow", "lens"].map((name) => make("span", name));
  const box = make("button", `part ${part.kind}`, ...pieces);
  piece(box, "flow").append(make("i", "line"));
  box.type = "button";
  box.dataset.part = part.name;
  box.setAttribute("aria-pressed", "false");
  box.setAttribute("aria-description", part.sentence);
  piece(box, "name").textContent = part.label;
  box.onclick = () => store.set({ part: store.chosen.part === part.name ? null : part.name });
  return box;
}

function piece(box, name) {
  return box.querySelector(`.${name}`);
}

// --- what stands in a box ----------------------------------------------------------------------

// The canvases of a box, as many as it has pictures; they stay, so that nothing blinks.
function canvases(box, count, className = "") {
  const picture = piece(box, "picture");
  while (picture.children.length > count) picture.lastChild.remove();
  while (picture.children.length < count) picture.append(make("canvas"));
  for (const canvas of picture.children) canvas.className = className;
  return [...picture.children];
}

// What no step changes: painted once for a reading.
function paintStill(box, part, data) {
  const state = piece(box, "state");
  if (!data.steps.length) {
    ["picture", "state", "lens"].forEach((name) => piece(box, name).replaceChildren());
    return;
  }
  box.maps = part.maps && !Array.isArray(part.maps) ? unpack(part.maps) : null;
  if (part.kind === "drawing" || part.kind === "patches") {
    paintMap(canvases(box, 1)[0], data, null, { gridded: part.kind === "patches" });
    const { width, height } = data.canvas;
    state.textContent =
      part.kind === "drawing" ? `${height} × ${width}` : `${data.rows} × ${data.columns}`;
  } else if (part.kind === "stem") {
    part.maps.forEach((packed, n) => {
      const [rows, columns] = part.shapes[n];
      const canvas = canvases(box, part.maps.length, "fill")[n];
      const map = unpack(packed).map(0);
      paintCells(canvas, map, rows, columns, orange(Math.max(...map)));
    });
    state.textContent = `${data.dim} each`;
  } else if (part.kind === "encoder") {
    paintHeads(box, part, data, (head) => box.maps.map(head));
  } else if (part.kind === "memory") {
    const [dims, patches] = box.maps.shape;
    const numbers = Array.from({ length: dims }, (_, n) => [...box.maps.map(n)]).flat();
    paintCells(canvases(box, 1, "fill")[0], numbers, dims, patches, orange(Math.max(...numbers)));
    state.textContent = `${patches} × ${dims}`;
    piece(box, "lens").textContent = "would say:";
  }
}

// What the chosen step, or the patch, changes.
function paintStep(box, part, data, step, { patch }) {
  const steps = data.steps.length;
  const state = piece(box, "state");
  if (part.kind === "encoder") {
    state.textContent = `+${asAddition(ofPatch(part.change, patch))}`;
  } else if (part.kind === "token") {
    bigWord(box, data.given[step]);
    state.textContent = `step ${step + 1}/${steps}`;
  } else if (part.kind === "self") {
    paintTokens(box, part, data, step);
  } else if (part.kind === "cross") {
    paintHeads(box, part, data, (head) => box.maps.map(head * steps + step));
  } else if (part.kind === "mlp") {
    const neurons = box.maps.map(step);
    const columns = columnsOf(neurons.length);
    const canvas = canvases(box, 1, "fill")[0];
    const isOff = data.off.includes(part.name);
    paintCells(
      canvas,
      isOff ? [] : neurons,
      neurons.length / columns,
      columns,
      orange(peakOf(box.maps)),
    );
  } else if (part.kind === "answer") {
    paintBars(box, data, data.probabilities[step]);
    const best = data.probabilities[step].indexOf(Math.max(...data.probabilities[step]));
    state.textContent = `${data.outcomes[best]} ${asPercent(data.probabilities[step][best])}`;
  }
  if (["self", "cross", "mlp"].includes(part.kind))
    state.textContent = `+${asAddition(part.change[step])}`;
  if (data.off.includes(part.name)) state.textContent = "off";
  const size =
    part.size && (part.size.length === steps ? part.size[step] : ofPatch(part.size, patch));
  piece(box, "line").style.height = `${size ? Math.min(1 + size / 4, 7) : 2}px`;
  const answers = data.lens[part.name]?.[step];
  if (!answers) return;
  const likeliest = answers.indexOf(Math.max(...answers));
  const shown = make("b", "", data.outcomes[likeliest]);
  piece(box, "lens").replaceChildren(shown, ` ${asPercent(answers[likeliest])}`);
}

// One strip a head, painted against the fullest of all heads and steps of the part.
function paintHeads(box, part, data, mapOf) {
  const heads = box.maps.shape[0];
  const peak = peakOf(box.maps);
  canvases(box, heads).forEach((canvas, n) =>
    paintMap(canvas, data, mapOf(n), { peak, isOff: data.off.includes(headName(part, n)) }),
  );
}

// The names of the library's heads (`Head.name`).
function headName(part, head) {
  return `${part.kind} ${part.layer}, head ${head + 1}`;
}

function peakOf(maps) {
  maps.peak ??= Math.max(...Array.from({ length: maps.count }, (_, n) => Math.max(...maps.map(n))));
  return maps.peak;
}

// One row a head, one cell a token; what is not yet read is grey.
function paintTokens(box, part, data, step) {
  const [heads, steps] = box.maps.shape;
  const cells = [];
  for (let head = 0; head < heads; head++) {
    const isOff = data.off.includes(headName(part, head));
    box.maps.map(head * steps + step).forEach((weight, token) => {
      cells.push(isOff || token > step ? NaN : weight);
    });
  }
  paintCells(canvases(box, 1, "fill")[0], cells, heads, steps, orange(1));
}

function paintBars(box, data, probabilities) {
  const picture = piece(box, "picture");
  if (picture.children.length !== probabilities.length)
    picture.replaceChildren(...data.outcomes.map(() => make("i", "bar", make("u"))));
  [...picture.children].forEach((bar, n) => {
    bar.firstChild.style.height = `${100 * probabilities[n]}%`;
  });
}

function bigWord(box, word) {
  const shown = make("b", word.length > 1 ? "word long" : "word", word);
  piece(box, "picture").replaceChildren(shown);
}

// Of the chosen patch, or the mean of all.
function ofPatch(numbers, patch) {
  return numbers[patch] ?? numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

// --- words and keys ----------------------------------------------------------------------------

function spoken(part, step, { patch }) {
  const here = numbersOf(part, step, patch);
  return here ? `${part.sentence} ${here}` : part.sentence;
}

function numbersOf(part, step, patch) {
  if (!part.change) return "";
  const isEncoder = part.kind === "encoder";
  const of = (numbers) => (isEncoder ? ofPatch(numbers, patch) : numbers[step]);
  const where = isEncoder
    ? patch === null
      ? "On average it"
      : "For the chosen patch it"
    : "Now it";
  const change = of(part.change);
  const size = change < 9.95 ? "of the size" : "the size"; // "38% of the size", "11× the size"
  const fires = part.firing ? `; ${asPercent(of(part.firing))} of its neurons fire` : "";
  return `${where} adds ${asAddition(change)} ${size} of what is there${fires}.`;
}

function moveFocus(event, boxes) {
  const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  const at = boxes.indexOf(event.target.closest(".part"));
  if (!(event.key in moves) || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  boxes[Math.max(0, Math.min(boxes.length - 1, at + moves[event.key]))].focus();
}

// Within the strip alone: the page itself is not to jump.
function bringIntoSight(scroll, box) {
  const middle = box.offsetLeft + box.offsetWidth / 2;
  scroll.scrollTo({ left: middle - scroll.clientWidth / 2, behavior: "smooth" });
}
