// The boxes of the strip: one for each part of the machine, and what stands in it.
// Needs follow.js, maps.js and paint.js.

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

// The canvases of a box, as many as it has pictures; they stay, so that nothing blinks.
function canvases(box, count, className = "") {
  const picture = piece(box, "picture");
  picture.querySelector(".word")?.remove();
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
    paintFiring(box, box.maps.map(step), data.off.includes(part.name));
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

// A cell a neuron; an empty picture would leave one to wonder where none fires.
function paintFiring(box, neurons, isOff) {
  if (!isOff && Math.max(...neurons) <= 0) {
    bigWord(box, "silent");
    return;
  }
  const columns = columnsOf(neurons.length);
  const canvas = canvases(box, 1, "fill")[0];
  const shown = isOff ? [] : neurons;
  paintCells(canvas, shown, neurons.length / columns, columns, orange(peakOf(box.maps)));
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
