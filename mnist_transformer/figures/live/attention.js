// Every head of one attention: all in small, one large, and the numbers inside that one.
// Weights are worked out here from the heads' queries and keys, as in attention.py, for whichever
// step or patch asks.

function attentionView(section, data, store, switched) {
  const heads = makeHeads(section);
  const overPatches = section.over === "patch";
  const settings = data.settings;
  let now = null;
  let key = null; // pointed at; null for the one that is looked at most

  const layer = data.part.name.split(" ").slice(0, 2).join(" "); // "decoder 1" of "decoder 1 cross"
  const alone = data.off.includes(layer) ? null : switched; // of a layer that is off, no head is on

  const small = make("div", "heads");
  const panels = section.heads.map((name) => {
    const canvas = make("canvas");
    const title = make("span", "title");
    const panel = make("button", "panel", title, canvas);
    panel.type = "button";
    panel.dataset.head = name;
    panel.onclick = () => store.set({ head: store.chosen.head === name ? null : name });
    small.append(make("div", "head", panel, offSwitch(name, "", data, alone) ?? ""));
    return { name, panel, canvas, title };
  });
  const bar = colourBar();
  const controls = make(
    "div",
    "controls",
    bar.element,
    toggle(settings, "own", "each head its own scale", redraw),
  );
  if (overPatches) controls.append(toggle(settings, "whole", "all of the paper", redraw));
  if (section.of === "patch")
    controls.append(toggle(settings, "back", "who looks at it, instead", redraw));
  controls.append(offSwitch(layer, `all of ${layer}`, data, switched) ?? "");
  const large = make("canvas", overPatches ? "large" : "large tokens");
  const caption = make("p", "caption");
  const inside = insideView(section, data, heads);
  const element = make(
    "div",
    "attention",
    small,
    controls,
    make("div", "largest", caption, large),
    inside.element,
  );

  if (overPatches) {
    touchable(large, data, {
      // In the encoder the patch that is chosen asks; elsewhere it is the one that is looked at.
      chosen: (patch) => store.set({ patch: store.chosen.patch === patch ? null : patch }),
      pointed: (patch) =>
        section.of === "patch" ? point(patch) : store.hover(patch === null ? {} : { patch }),
      at: () => now.patch,
      whole: () => settings.whole,
    });
  } else {
    large.onclick = (event) => store.set({ step: cellUnder(event).row });
    large.onpointermove = (event) => point(cellUnder(event).column);
    large.onpointerleave = () => point(null);
  }

  function cellUnder(event) {
    const { left, top, width, height } = large.getBoundingClientRect();
    const across = (event.clientX - left) * (large.width / width) - LABELS.left;
    const down = (event.clientY - top) * (large.height / height) - LABELS.top;
    const cell = (place) => clamp(Math.floor(place / LARGE_CELL), 0, data.steps.length - 1);
    return { row: cell(down), column: cell(across) };
  }

  function point(pointed) {
    if (pointed === key) return;
    key = pointed;
    redraw();
  }

  function redraw() {
    if (now) show(now);
  }

  function mapOf(head, query) {
    return settings.back ? heads.lookers(head, query) : heads.weights(head, query);
  }

  // The fullest colour: of all heads, and of all steps, so that steps can be compared.
  function peakOf(maps) {
    if (!overPatches) return 1;
    if (section.of === "patch") return Math.max(...maps.map((map) => Math.max(...map)));
    return heads.peak();
  }

  function show(chosen) {
    now = chosen;
    const query = rowOf(section, now);
    const maps = section.heads.map((_, head) => mapOf(head, query));
    const peak = peakOf(maps);
    bar.show(settings.own ? "each head’s peak" : asPercent(peak));
    const picked = Math.max(section.heads.indexOf(now.head), 0);
    panels.forEach(({ name, panel, canvas, title }, head) => {
      const isOff = data.off.includes(name);
      const own = Math.max(...maps[head]);
      title.textContent = `${name} · ${isOff ? "off" : `peak ${asPercent(own)}`}`;
      canvas.dataset.peak = isOff ? 0 : own;
      panel.setAttribute("aria-pressed", head === picked);
      paint(canvas, head, maps[head], query, settings.own ? own : peak, isOff);
    });
    const isOff = data.off.includes(section.heads[picked]);
    const own = Math.max(...maps[picked]);
    paint(large, picked, maps[picked], query, settings.own ? own : peak, isOff, true);
    const pointed = keyOf(maps[picked], query);
    caption.replaceChildren(...captionOf(picked, query, pointed, maps[picked], isOff));
    // Backwards it is the other patch that asks.
    const [asks, answers] = settings.back ? [pointed, query] : [query, pointed];
    inside.show(picked, asks, answers, isOff);
  }

  function keyOf(map, query) {
    const strongest = map.indexOf(Math.max(...map));
    if (section.of === "patch") return key ?? strongest;
    if (overPatches) return now.isChosen ? now.patch : strongest;
    return key !== null && key <= query ? key : strongest;
  }

  function paint(canvas, head, map, query, peak, isOff, isLarge) {
    if (overPatches) {
      const marked = section.of === "patch" || now.isChosen ? now.patch : null;
      return paintMap(canvas, data, map, { peak, isOff, marked, whole: settings.whole });
    }
    paintTable(
      canvas,
      data,
      heads,
      head,
      query,
      settings.own ? heads.peakOf(head) : 1,
      isOff,
      isLarge,
    );
  }

  function captionOf(head, query, pointed, map, isOff) {
    const name = make("b", "", section.heads[head]);
    if (isOff) return [name, " is off: it adds nothing."];
    const place = (n) => (overPatches ? patchName(data, n) : `“${data.given[n]}”`);
    const says =
      section.of === "patch" ? `${place(query)} ` : `Step ${query + 1} (${data.steps[query]}) `;
    const share = make("b", "", asPercent(map[pointed]));
    share.dataset.weight = map[pointed];
    const what = settings.back
      ? [says, "is looked at by ", place(pointed), " with ", share, " of its attention."]
      : [says, "gives ", share, " of its attention to ", place(pointed), "."];
    const outside = overPatches && !settings.whole ? 1 - inCrop(map) : 0;
    const rest = ` ${asPercent(outside)} of its attention is on paper left or right of what is shown.`;
    return [name, ": ", ...what, outside > 0.01 && !settings.back ? rest : ""];
  }

  // How much of a map lies in the columns that are shown.
  function inCrop(map) {
    const [first, end] = data.crop;
    const isShown = (n) => n % data.columns >= first && n % data.columns < end;
    return map.reduce((sum, weight, n) => (isShown(n) ? sum + weight : sum), 0);
  }

  return {
    title:
      section.of === "patch"
        ? "Self-attention: all heads, and one large"
        : "All heads, and one large",
    element,
    show,
  };
}

// Scores and weights of all heads of an attention, from the packed queries and keys.
function makeHeads(section) {
  const [query, key, value] = [section.query, section.key, section.value].map(unpackNumbers);
  const [count, queries, dim] = query.shape;
  const keys = key.shape[1];
  // A token sees itself and those before it.
  const visible = (asking) => (section.over === "token" ? asking + 1 : keys);
  const kept = new Map();

  function scores(head, asking) {
    const q = query.row(head * queries + asking);
    return Float32Array.from(
      { length: visible(asking) },
      (_, n) => dot(q, key.row(head * keys + n)) / Math.sqrt(dim),
    );
  }

  function weights(head, asking) {
    const name = head * queries + asking;
    if (!kept.has(name)) kept.set(name, softmax(scores(head, asking)));
    return kept.get(name);
  }

  const peakOf = (head) =>
    Math.max(...Array.from({ length: queries }, (_, n) => Math.max(...weights(head, n))));
  return {
    count,
    dim,
    scores,
    weights,
    peakOf,
    peak: () => Math.max(...Array.from({ length: count }, (_, head) => peakOf(head))),
    query: (head, n) => query.row(head * queries + n),
    key: (head, n) => key.row(head * keys + n),
    value: (head, n) => value.row(head * keys + n),
    // How much each one that asks looks at one key.
    lookers: (head, n) =>
      Float32Array.from({ length: queries }, (_, asking) => weights(head, asking)[n] ?? 0),
    // The values of all keys, each by its share.
    gathered(head, asking) {
      const sum = new Float32Array(dim);
      weights(head, asking).forEach((weight, n) =>
        value.row(head * keys + n).forEach((v, d) => (sum[d] += weight * v)),
      );
      return sum;
    },
  };
}

function dot(a, b) {
  return a.reduce((sum, number, n) => sum + number * b[n], 0);
}

function softmax(scores) {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

const LARGE_CELL = 44; // pixels of a cell of the large table
const LABELS = { left: 110, top: 26 }; // the room for its names

// Steps down, tokens across; the future, which no step sees, is grey, and so is a head that is off.
function paintTable(canvas, data, heads, head, chosen, peak, isOff, isLarge) {
  const steps = data.steps.length;
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
