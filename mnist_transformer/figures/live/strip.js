// The machine: a box for every part of the model, in one row, each with its live state.
//
//   const stop = drawStrip(element, data, {store, opened})
//
// data is `machine_data` of machine.py. Called again with the same element, the boxes stay and show
// the new data. A box that is pressed is the store's `part`; opened(part) is told of every other
// choice, null for none, wherever it was made. Needs follow.js, paint.js, boxes.js and wires.js.

const GROUPS = {
  drawing: "the drawing",
  encoder: "encoder: looks over the drawing, once",
  decoder: "decoder: once for every digit",
};
const INVITATION =
  "This is the whole model, and what it does right now. Under each part: how large what it adds is " +
  "beside what comes in (+50%: half as large, +10×: ten times), and what would be said if the " +
  "machine stopped there. Choose a part to look into it.";
const INVITATION_TO_WRITE =
  "This is the whole model. Write on the sheet, and each part shows what it does with your drawing.";

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
  const row = buildRow(parts, boxes);
  const strip = {
    names,
    store,
    boxes,
    wires: makeWires(row, boxes),
    scroll: make("div", "strip-scroll", row),
    says: make("div", "strip-says"),
    data: null,
    opened: null,
    told: null, // the part that `opened` was told last
    painted: null, // the step and the patch that the boxes show
    pointed: null, // the box under the pointer or in focus
  };
  strip.root = make("section", "mnist-strip", strip.scroll, strip.says);
  strip.root.setAttribute("aria-label", "The machine: every part of the model");
  element.append(strip.root);
  listenOnStrip(strip, row);
  const unsubscribe = store.subscribe(() => updateStrip(strip));
  strip.load = (data, opened) => loadStrip(strip, data, opened);
  strip.stop = () => {
    unsubscribe();
    strip.wires.stop();
    strip.root.remove();
    delete element.mnistStrip;
  };
  return strip;
}

function buildRow(parts, boxes) {
  const row = make("div", "strip-row");
  for (const [group, title] of Object.entries(GROUPS)) {
    const inside = parts.filter((part) => part.group === group);
    const line = make("div", "strip-parts", ...inside.map((part) => boxes.get(part.name)));
    const section = make("section", `strip-group ${group}`, make("h3", "", title), line);
    section.style.flexGrow = inside.length;
    row.append(section);
  }
  return row;
}

function loadStrip(strip, fresh, opened) {
  strip.opened = opened;
  // A rerun that changes nothing must not touch a thing.
  if (JSON.stringify(fresh) === JSON.stringify(strip.data)) return;
  strip.data = fresh;
  strip.root.classList.toggle("idle", !fresh.steps.length);
  for (const part of fresh.parts) paintStill(strip.boxes.get(part.name), part, fresh);
  strip.painted = null;
  updateStrip(strip);
  strip.wires.draw();
}

// What the page has chosen, as far as this reading has it.
function chosenOn({ data, store }) {
  return within(store.now, data.steps.length, data.rows * data.columns);
}

function updateStrip(strip) {
  const { data, boxes } = strip;
  if (!data) return;
  const now = chosenOn(strip);
  const isNew = strip.painted !== `${now.step} ${now.patch}`;
  strip.painted = `${now.step} ${now.patch}`;
  for (const part of data.parts) {
    const box = boxes.get(part.name);
    if (data.steps.length && isNew) paintStep(box, part, data, now.step, now);
    const isChosen = part.name === now.part;
    if (isChosen && box.getAttribute("aria-pressed") === "false") bringIntoSight(strip.scroll, box);
    box.setAttribute("aria-pressed", isChosen);
  }
  say(strip, now);
  const isKnown = now.part === null || boxes.has(now.part);
  if (now.part !== strip.told && isKnown) strip.opened((strip.told = now.part));
}

// All sentences lie over one another, so that the room is that of the longest.
function say({ data, boxes, says, pointed }, now) {
  const asked = pointed ?? now.part;
  const shown = boxes.has(asked) ? asked : "";
  const lines = data.parts.map((part) => [part.name, `${part.label}: `, spoken(part, now.step, now)]);
  lines.unshift(["", "", data.steps.length ? INVITATION : INVITATION_TO_WRITE]);
  says.replaceChildren(
    ...lines.map(([name, label, text]) => {
      const line = make("p", "", make("b", "", label), text);
      line.classList.toggle("said", name === shown);
      return line;
    }),
  );
}

function listenOnStrip(strip, row) {
  const point = (event) => {
    strip.pointed = event.target.closest?.(".part")?.dataset.part ?? null;
    if (strip.data) say(strip, chosenOn(strip));
  };
  const leave = () => point({ target: row });
  row.onpointerover = (event) => event.pointerType === "mouse" && point(event);
  row.onpointerleave = leave;
  row.addEventListener("focusin", point);
  row.addEventListener("focusout", leave);
  row.onkeydown = (event) => moveFocus(event, [...strip.boxes.values()]);
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
  const fires = part.firing ? firingInWords(of(part.firing)) : "";
  return `${where} adds ${asAddition(change)} ${size} of what is there${fires}.`;
}

// A part whose neurons are all silent adds something all the same.
function firingInWords(share) {
  if (share > 0) return `; ${asPercent(share)} of its neurons fire`;
  return "; none of its neurons fires, what is left is its bias and what GELU lets through below 0";
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
