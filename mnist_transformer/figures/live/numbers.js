// Lists of numbers: neurons, vectors, the residual stream, and what would be answered from it.

// The neurons of an MLP, a cell each, and one of them in every patch or step.
function neuronsView(section, data, store) {
  const hidden = unpackNumbers(section.hidden);
  const [rows, count] = hidden.shape;
  const columns = columnsOf(count);
  const peak = Math.max(...hidden.numbers);
  const formula = make(
    "p",
    "formula",
    `stream + W₂ · GELU(W₁ · normalised stream + b₁) + b₂: ${data.dim} numbers → ${count} neurons → ${data.dim} numbers`,
  );
  const cells = make("canvas", "neurons");
  const caption = make("p", "caption");
  const where = make("canvas", "large");
  const whereCaption = make("p", "caption");
  const largest = make("div", "largest", whereCaption, where);
  let now = null;
  let chosen = data.settings.neuron ?? null;

  cells.onclick = (event) => {
    const { left, top, width, height } = cells.getBoundingClientRect();
    const column = Math.floor(((event.clientX - left) / width) * columns);
    const row = Math.floor(((event.clientY - top) / height) * Math.ceil(count / columns));
    chosen = clamp(row * columns + column, 0, count - 1);
    data.settings.neuron = chosen;
    show(now);
  };
  if (section.of === "patch")
    touchable(where, data, {
      chosen: (patch) => store.set({ patch }),
      pointed: () => {},
      at: () => now.patch,
    });

  function show(next) {
    now = next;
    const values = hidden.row(rowOf(section, now));
    const neuron = chosen ?? values.indexOf(Math.max(...values));
    paintNeurons(cells, values, columns, peak, neuron);
    const which = chosen === null ? "The strongest" : "The chosen one";
    caption.replaceChildren(
      `At ${rowName(section, data, now)}: `,
      ...firingCaption(values, neuron, which),
    );
    const everywhere = Float32Array.from({ length: rows }, (_, n) => hidden.row(n)[neuron]);
    if (section.of === "patch") {
      whereCaption.textContent = `Where in the drawing neuron ${neuron + 1} fires`;
      const fires = everywhere.map((a) => Math.max(a, 0));
      paintMap(where, data, fires, { peak: Math.max(...fires, 1e-6), marked: now.patch });
    } else {
      whereCaption.textContent = `Neuron ${neuron + 1} at every step: ${atEveryStep(data, everywhere)}`;
    }
  }

  if (section.of !== "patch") where.remove();
  return {
    title: `The MLP: ${count} neurons`,
    element: make("div", "", formula, caption, cells, largest),
    show,
  };
}

// How many fire, and what one of them says.
function firingCaption(values, neuron, which) {
  const fire = values.filter((value) => value > 0).length;
  const firing = make("b", "", fire);
  firing.dataset.firing = fire;
  const value = make("b", "", values[neuron].toFixed(2));
  value.dataset.neuron = neuron;
  value.dataset.activation = values[neuron];
  const silent = " What the MLP adds all the same is its bias b₂, and what GELU lets through below 0.";
  const one = `${which}, number ${neuron + 1}: `;
  return [firing, ` of ${values.length} neurons fire. `, one, value, ".", fire ? "" : silent];
}

// GELU gives small numbers below 0, too: no step shall read "-0.00".
function atEveryStep(data, activations) {
  const rounded = (a) => a.toFixed(2).replace(/^-(?=0\.00$)/, "");
  return [...activations].map((a, n) => `${data.steps[n]}: ${rounded(a)}`).join(", ");
}

function paintNeurons(canvas, values, columns, peak, chosen) {
  const cell = 24;
  const rows = Math.ceil(values.length / columns);
  resize(canvas, columns * cell, rows * cell);
  const brush = canvas.getContext("2d");
  const colour = orange(peak);
  brush.fillStyle = "#dee2e6"; // lines between the neurons, seen where none of them fires
  brush.fillRect(0, 0, columns * cell, rows * cell);
  values.forEach((value, n) => {
    brush.fillStyle = `rgb(${colour(Math.max(value, 0)).slice(0, 3)})`;
    brush.fillRect((n % columns) * cell, Math.floor(n / columns) * cell, cell - 2, cell - 2);
  });
  brush.strokeStyle = "#1971c2";
  brush.lineWidth = 3;
  brush.strokeRect(
    (chosen % columns) * cell,
    Math.floor(chosen / columns) * cell,
    cell - 2,
    cell - 2,
  );
}

// Vectors under one another, with their sizes: of one patch or step.
function vectorsView(section, data) {
  const vectors = section.vectors.map(unpackNumbers);
  const caption = make("p", "caption");
  const rows = section.names.map((name) => {
    const size = make("b", "size");
    const canvas = make("canvas", "barcode");
    return {
      size,
      canvas,
      element: make("div", "vector", make("span", "row-name", name), canvas, size),
    };
  });

  function show(now) {
    const at = rowOf(section, now);
    caption.textContent = `Of ${rowName(section, data, now)}: ${vectors[0].shape[1]} numbers each, orange above 0, blue below; right, their size.`;
    const shown = vectors.map((vector) => vector.row(at));
    rows.forEach(({ size, canvas }, n) => {
      const peak = Math.max(...shown[n].map(Math.abs));
      paintCells(canvas, shown[n], 1, shown[n].length, signed(peak));
      size.textContent = section.sizes[n][at].toFixed(2);
      size.dataset.size = section.sizes[n][at];
      size.dataset.name = section.names[n];
    });
  }

  return {
    title: "The numbers themselves",
    element: make("div", "vectors", caption, ...rows.map((row) => row.element)),
    show,
  };
}

// The same for the stream: what is there, what is added, what goes on.
function streamView(section, data) {
  const view = vectorsView(section, data);
  return { ...view, title: "The residual stream: before, what is added, after" };
}

// What would be answered at each point of the decoder's stream, for every step.
function lensView(section, data, store) {
  const table = make("table", "lens");
  const head = make(
    "tr",
    "",
    make("th", "", "after"),
    ...data.steps.map((name) => make("th", "", name)),
  );
  const rows = section.answers.map((steps, n) => {
    const name = make("th", "", section.names[n]);
    const row = make("tr", section.names[n] === section.here ? "here" : "", name);
    steps.forEach((answers, step) => {
      const share = Math.max(...answers);
      const cell = make(
        "td",
        "",
        make("b", "", data.outcomes[answers.indexOf(share)]),
        ` ${asPercent(share)}`,
      );
      cell.dataset.share = share;
      cell.style.background = `rgba(217, 72, 15, ${0.4 * share})`;
      cell.onclick = () => store.set({ step });
      row.append(cell);
    });
    return row;
  });
  table.append(head, ...rows);
  const says = make(
    "p",
    "caption",
    "If the decoder had to answer at this point already (the logit lens, nostalgebraist 2020): each column is a step, under what was read in the end.",
  );

  function show({ step }) {
    for (const row of [head, ...rows])
      [...row.children].forEach((cell, n) => cell.classList.toggle("now", n === step + 1));
  }

  return {
    title: "The answer before it is finished",
    element: make("div", "scroll", says, table),
    show,
  };
}

// What the decoder reads if it is given the patches as they are before the encoder, or half-way.
function earlyView(section) {
  const rows = section.names.map((name, n) => {
    const cell = make("td", "", make("b", "", section.digits[n] || "nothing"));
    cell.dataset.early = section.digits[n];
    const what = n ? `after ${name}` : "before encoder 1";
    return make("tr", name === section.here ? "here" : "", make("th", "", what), cell);
  });
  const says = make(
    "p",
    "caption",
    "What the decoder reads if the encoder stops here. It was never taught to read half-made memories, so a wrong answer may be its own.",
  );
  return {
    title: "If the encoder stopped earlier",
    element: make("div", "scroll", says, make("table", "", ...rows)),
    show() {},
  };
}

// From eleven logits to eleven probabilities.
function outcomesView(section, data) {
  const says = make("p", "formula");
  const rows = data.outcomes.map((name) => {
    const [logit, bar, share] = [
      make("span", "logit"),
      make("i", "", make("u")),
      make("span", "share"),
    ];
    return {
      logit,
      bar,
      share,
      element: make("div", "outcome", make("b", "", name), logit, bar, share),
    };
  });

  function show({ step }) {
    const logits = section.logits[step];
    const shares = softmax(Float64Array.from(logits));
    const best = shares.indexOf(Math.max(...shares));
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
    says.textContent =
      `A logit is turned into a share by the softmax: e^${logits[best].toFixed(2)} / ` +
      `(the sum of all eleven e^logit: ${sum.toFixed(1)}) = ${asPercent(shares[best])} for “${data.outcomes[best]}”.`;
    rows.forEach(({ logit, bar, share, element }, n) => {
      logit.textContent = logits[n].toFixed(2);
      logit.dataset.logit = logits[n];
      share.textContent = asPercent(shares[n]);
      share.dataset.probability = shares[n];
      bar.firstChild.style.width = `${100 * shares[n]}%`;
      element.classList.toggle("best", n === best);
    });
  }

  return {
    title: "Eleven probabilities",
    element: make("div", "outcomes", says, ...rows.map((row) => row.element)),
    show,
  };
}
