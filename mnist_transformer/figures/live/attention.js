// Every head of one attention: all in small, one large, and the numbers inside that one.
// Weights are worked out here from the heads' queries and keys, as in attention.py, for whichever
// step or patch asks.

function attentionView(section, data, store, switched) {
  const overPatches = section.over === "patch";
  const layer = data.part.name.split(" ").slice(0, 2).join(" "); // "decoder 1" of "decoder 1 cross"
  const heads = makeHeads(section);
  const view = {
    section,
    data,
    store,
    heads,
    overPatches,
    bar: colourBar(),
    large: make("canvas", overPatches ? "large" : "large tokens"),
    caption: make("p", "caption"),
    inside: insideView(section, data, heads),
    now: null,
    key: null, // pointed at; null for the one that is looked at most
  };
  // Of a layer that is off, no head is on.
  const alone = data.off.includes(layer) ? null : switched;
  view.panels = section.heads.map((name) => buildPanel(view, name));
  const small = view.panels.map(({ name, panel }) =>
    make("div", "head", panel, offSwitch(name, "", data, alone) ?? ""),
  );
  const controls = headControls(view, offSwitch(layer, `all of ${layer}`, data, switched));
  const largest = make("div", "largest", view.caption, view.large);
  const all = [make("div", "heads", ...small), controls, largest, view.inside.element];
  if (overPatches) listenOnMap(view);
  else listenOnTable(view);
  const isOfPatch = section.of === "patch";
  return {
    title: `${isOfPatch ? "Self-attention: all" : "All"} heads, and one large`,
    element: make("div", "attention", ...all),
    show: (now) => showHeads(view, now),
  };
}

function buildPanel({ store }, name) {
  const canvas = make("canvas");
  const title = make("span", "title");
  const panel = make("button", "panel", title, canvas);
  panel.type = "button";
  panel.dataset.head = name;
  panel.onclick = () => store.set({ head: store.chosen.head === name ? null : name });
  return { name, panel, canvas, title };
}

function headControls(view, off) {
  const { section, data, bar, overPatches } = view;
  const again = () => showHeads(view, view.now);
  const add = (name, label) => toggle(data.settings, name, label, again);
  const controls = make("div", "controls", bar.element, add("own", "each head its own scale"));
  if (overPatches) controls.append(add("whole", "all of the paper"));
  if (section.of === "patch") controls.append(add("back", "who looks at it, instead"));
  controls.append(off ?? "");
  return controls;
}

// --- what is pointed at ------------------------------------------------------------------------

function listenOnMap(view) {
  const { section, data, store, large } = view;
  touchable(large, data, {
    // In the encoder the patch that is chosen asks; elsewhere it is the one that is looked at.
    chosen: (patch) => store.set({ patch: store.chosen.patch === patch ? null : patch }),
    pointed: (patch) =>
      section.of === "patch" ? pointAt(view, patch) : store.hover(patch === null ? {} : { patch }),
    at: () => view.now.patch,
    whole: () => data.settings.whole,
  });
}

function listenOnTable(view) {
  const { data, store, large } = view;
  const cellUnder = (event) => {
    const { left, top, width, height } = large.getBoundingClientRect();
    const across = (event.clientX - left) * (large.width / width) - LABELS.left;
    const down = (event.clientY - top) * (large.height / height) - LABELS.top;
    const cell = (place) => clamp(Math.floor(place / LARGE_CELL), 0, data.steps.length - 1);
    return { row: cell(down), column: cell(across) };
  };
  large.onclick = (event) => store.set({ step: cellUnder(event).row });
  large.onpointermove = (event) => pointAt(view, cellUnder(event).column);
  large.onpointerleave = () => pointAt(view, null);
}

function pointAt(view, key) {
  if (key === view.key) return;
  view.key = key;
  showHeads(view, view.now);
}

// --- what is shown -----------------------------------------------------------------------------

function showHeads(view, now) {
  if (!now) return;
  view.now = now;
  const { section, data, heads, panels, bar, inside, overPatches } = view;
  const { own: isOwn, back } = data.settings;
  const query = rowOf(section, now);
  const maps = section.heads.map((_, head) =>
    back ? heads.lookers(head, query) : heads.weights(head, query),
  );
  const peak = peakOfHeads(view, maps);
  bar.show(isOwn ? "each head’s peak" : asPercent(peak), isOwn ? "" : whatPeaks(view));
  const picked = Math.max(section.heads.indexOf(now.head), 0);
  const isOff = (head) => data.off.includes(section.heads[head]);
  const paint = (canvas, head, isLarge) => {
    const shown = isOwn ? Math.max(...maps[head]) : peak;
    if (overPatches) paintHeadMap(view, canvas, maps[head], shown, isOff(head));
    else paintTable(canvas, data, heads, head, query, isOff(head), isLarge);
  };
  panels.forEach(({ name, panel, canvas, title }, head) => {
    const most = Math.max(...maps[head]);
    title.textContent = `${name} · ${isOff(head) ? "off" : `peak ${asPercent(most)}`}`;
    canvas.dataset.peak = isOff(head) ? 0 : most;
    panel.setAttribute("aria-pressed", head === picked);
    paint(canvas, head, false);
  });
  paint(view.large, picked, true);
  const pointed = keyOf(view, maps[picked], query);
  view.caption.replaceChildren(...captionOf(view, picked, query, pointed, maps[picked]));
  // Backwards it is the other patch that asks.
  inside.show(picked, ...(back ? [pointed, query] : [query, pointed]), isOff(picked));
}

// The fullest colour: of all heads, and of all steps, so that steps can be compared.
function peakOfHeads({ section, heads, overPatches }, maps) {
  if (!overPatches) return 1;
  if (section.of === "patch") return Math.max(...maps.map((map) => Math.max(...map)));
  return heads.peak();
}

function whatPeaks({ section, overPatches }) {
  if (!overPatches) return "";
  return section.of === "patch" ? "the most of all heads" : "the most of all heads and steps";
}

function keyOf({ section, key, now, overPatches }, map, query) {
  const strongest = map.indexOf(Math.max(...map));
  if (section.of === "patch") return key ?? strongest;
  if (overPatches) return now.isChosen ? now.patch : strongest;
  return key !== null && key <= query ? key : strongest;
}

function paintHeadMap({ section, data, now }, canvas, map, peak, isOff) {
  const marked = section.of === "patch" || now.isChosen ? now.patch : null;
  paintMap(canvas, data, map, { peak, isOff, marked, whole: data.settings.whole });
}

function captionOf({ section, data, overPatches }, head, query, pointed, map) {
  const { back, whole } = data.settings;
  const name = make("b", "", section.heads[head]);
  if (data.off.includes(section.heads[head])) return [name, " is off: it adds nothing."];
  const place = (n) => (overPatches ? patchName(data, n) : `“${data.given[n]}”`);
  const says =
    section.of === "patch" ? `${place(query)} ` : `Step ${query + 1} (${data.steps[query]}) `;
  const share = make("b", "", asPercent(map[pointed]));
  share.dataset.weight = map[pointed];
  const what = back
    ? [says, "is looked at by ", place(pointed), " with ", share, " of its attention."]
    : [says, "gives ", share, " of its attention to ", place(pointed), "."];
  const outside = overPatches && !whole ? 1 - shareInCrop(data, map) : 0;
  const rest = ` ${asPercent(outside)} of its attention is on paper left or right of what is shown.`;
  return [name, ": ", ...what, outside > 0.01 && !back ? rest : ""];
}

// How much of a map lies in the columns that are shown.
function shareInCrop({ crop: [first, end], columns }, map) {
  const isShown = (n) => n % columns >= first && n % columns < end;
  return map.reduce((sum, weight, n) => (isShown(n) ? sum + weight : sum), 0);
}

const LARGE_CELL = 44; // pixels of a cell of the large table
const LABELS = { left: 110, top: 26 }; // the room for its names

// Steps down, tokens across; the future, which no step sees, is grey, and so is a head that is off.
function paintTable(canvas, data, heads, head, chosen, isOff, isLarge) {
  const steps = data.steps.length;
  const peak = data.settings.own ? heads.peakOf(head) : 1;
  const cell = isLarge ? LARGE_CELL : 20;
  const { left, top } = isLarge ? LABELS : { left: 0, top: 0 };
  resize(canvas, left + cell * steps, top + cell * steps);
  const brush = canvas.getContext("2d");
  brush.clearRect(0, 0, canvas.width, canvas.height);
  brush.font = "14px sans-serif";
  brush.textBaseline = "middle";
  brush.textAlign = "center";
  const ink = getComputedStyle(canvas).color;
  const colour = orange(peak);
  for (let row = 0; row < steps; row++) {
    const weights = heads.weights(head, row);
    for (let column = 0; column < steps; column++) {
      const isHidden = isOff || column > row;
      const [x, y] = [left + column * cell, top + row * cell];
      const shade = colour(isHidden ? NaN : weights[column]).slice(0, 3);
      brush.fillStyle = `rgb(${shade})`;
      brush.fillRect(x, y, cell - 1, cell - 1);
      if (!isLarge || isHidden) continue;
      brush.fillStyle = inkOn(shade);
      brush.fillText((100 * weights[column]).toFixed(0), x + cell / 2, y + cell / 2);
    }
  }
  if (isOff) veil(brush, canvas);
  if (!isLarge) return;
  brush.fillStyle = ink;
  data.given.forEach((token, n) => brush.fillText(token, left + (n + 0.5) * cell, top / 2));
  brush.textAlign = "right";
  data.steps.forEach((name, n) =>
    brush.fillText(`choosing ${name}`, left - 8, top + (n + 0.5) * cell),
  );
  brush.strokeStyle = "#1971c2";
  brush.lineWidth = 3;
  brush.strokeRect(left - 1, top + chosen * cell - 1, cell * (chosen + 1), cell);
}
