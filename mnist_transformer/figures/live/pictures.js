// Pictures of the drawing: its pixels, what the filters see, which patches are alike, what decided.

// The drawing, to be touched, and the chosen patch pixel by pixel.
function pixelsView(section, data, store) {
  const canvas = make("canvas", "large");
  const caption = make("p", "caption");
  const pixels = make("div", "pixels");
  const size = data.canvas.height / data.rows;
  pixels.style.gridTemplateColumns = `repeat(${size}, 1fr)`;
  const ink = bytesOf(data.canvas.ink);
  let now = null;
  choosesPatch(canvas, data, store, () => now.patch);

  function show(next) {
    now = next;
    paintMap(canvas, data, null, { marked: now.patch, gridded: data.part.kind === "patches" });
    const [row, column] = [Math.floor(now.patch / data.columns), now.patch % data.columns];
    caption.textContent = `Of ${patchName(data, now.patch)}: its ${size} × ${size} pixels, 0 = paper, 100 = ink.`;
    const cells = [];
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const dark = ink[(row * size + y) * data.canvas.width + column * size + x] / 255;
        const cell = make("span", "cell", (100 * dark).toFixed(0));
        const grey = Array(3).fill(Math.round(255 * (1 - dark)));
        cell.style.background = `rgb(${grey})`;
        cell.style.color = inkOn(grey);
        cells.push(cell);
      }
    pixels.replaceChildren(...cells);
  }

  return {
    title: "The drawing, pixel by pixel",
    element: make("div", "", canvas, caption, pixels),
    show,
  };
}

// What each filter of each stage answers, over the ink.
function filtersView(section, data) {
  const element = make("div", "filters");
  section.stages.forEach(({ maps, size }, n) => {
    const stage = unpack(maps);
    const [rows, columns] = size;
    const pictures = make("div", "stage-maps");
    for (let channel = 0; channel < stage.count; channel++) {
      const canvas = make("canvas", "fill");
      const map = stage.map(channel);
      canvas.title = `stage ${n + 1}, filter ${channel + 1}: at most ${Math.max(...map).toFixed(2)}`;
      canvas.dataset.peak = Math.max(...map);
      canvas.style.aspectRatio = `${columns} / ${rows}`;
      paintCells(canvas, map, rows, columns, orange(Math.max(...map)));
      pictures.append(canvas);
    }
    const says = `Stage ${n + 1}: ${stage.count} filters, ${data.canvas.height >> (n + 1)} × ${data.canvas.width >> (n + 1)} places each`;
    element.append(make("p", "caption", says), pictures);
  });
  return { title: "What the filters find (each picture by its own scale)", element, show() {} };
}

// How like every patch is to the chosen one, as the memory has them.
function likenessView(section, data, store) {
  const vectors = unpackNumbers(section.vectors);
  const canvas = make("canvas", "large");
  const caption = make("p", "caption");
  let now = null;
  choosesPatch(canvas, data, store, () => now.patch);

  function show(next) {
    now = next;
    const own = vectors.row(now.patch);
    const size = (vector) => Math.sqrt(dot(vector, vector)) || 1;
    const alike = Float32Array.from({ length: vectors.shape[0] }, (_, n) => {
      const other = vectors.row(n);
      return Math.max(dot(own, other) / size(own) / size(other), 0);
    });
    paintMap(canvas, data, alike, { peak: 1, marked: now.patch });
    caption.textContent = `Patches that the memory keeps much like ${patchName(data, now.patch)} (the cosine of their vectors; below 0 as 0). Touch another.`;
  }

  return { title: "Which patches are alike", element: make("div", "", caption, canvas), show };
}

// Where the heads looked, and what came of it: three maps of the same step.
function decidedView(section, data, store) {
  const maps = unpack(section.maps);
  const steps = data.steps.length;
  const panels = section.names.map((name) => ({
    canvas: make("canvas", "large"),
    title: make("p", "caption", name),
  }));
  const says = make("div", "sources");
  says.innerHTML = `<p><b>Raw</b> shows where the heads looked; a patch of the memory has mixed with others before.
    <b>Rollout</b> (<a href="https://arxiv.org/abs/2005.00928" target="_blank" rel="noopener">Abnar &amp; Zuidema 2020</a>)
    follows that mixing back through the encoder, but would be the same for any other choice.
    <b>Relevance</b> (<a href="https://arxiv.org/abs/2103.15679" target="_blank" rel="noopener">Chefer et al. 2021</a>)
    weighs each head by what it would change in this choice; what the convolutions did stays out of sight.
    Each map is painted against its own peak.</p>`;
  let now = null;
  panels.forEach(({ canvas }) => choosesPatch(canvas, data, store, () => now.patch));

  function show(next) {
    now = next;
    panels.forEach(({ canvas, title }, n) => {
      const map = maps.map(n * steps + now.step);
      const peak = Math.max(...map);
      paintMap(canvas, data, map, { peak, marked: now.isChosen ? now.patch : null });
      canvas.dataset.peak = peak;
      title.textContent = section.names[n];
    });
  }

  const pictures = panels.flatMap(({ title, canvas }) => [title, canvas]);
  return { title: "What decided it", element: make("div", "", ...pictures, says), show };
}

// The lines that compute the part, each beside what it made for this drawing.
function sourceView(section, data) {
  const functions = section.functions.map(({ name, file, lines }) => {
    const rows = make("div", "code-lines");
    const code = make("pre", "code", rows);
    for (const { number, text, made } of lines) {
      const line = make("span", made ? "code-line made" : "code-line");
      line.append(make("i", "", number), make("code", "", text || " "), make("em", "", made));
      rows.append(line);
    }
    return make(
      "details",
      "function",
      make("summary", "", make("b", "", name), ` in ${file}, line ${lines[0].number}`),
      code,
    );
  });
  functions.forEach((element) => (element.open = true));
  const hasShapes = section.functions.some(({ lines }) => lines.some(({ made }) => made));
  const says = make(
    "p",
    "caption",
    hasShapes
      ? "The very lines that were run; right, the shapes of what each one made for this drawing."
      : "The very lines of the files.",
  );
  return {
    title: "The source that computes it",
    element: make("div", "source", says, ...functions),
    show() {},
  };
}
