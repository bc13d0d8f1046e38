// The parts of the machine as a table of buttons: an attention a row, a head a column. A click
// switches a part off or blurs it, and again puts it back. The number in a field says how much of
// its likelihood a digit would lose without that part.
//
//   drawMatrix(element, data, {changed})
//
// data is `matrix_data` of matrix.py, and the digits that are read, [before, now], as `reads`;
// changed({off, blurred, sent}) is told the names of the parts after every click, and which click it
// was. Called again with the same element, it shows the new
// data, unless these answer (`answers`) an earlier click than the last.

function drawMatrix(element, data, { changed = () => {} } = {}) {
  const matrix = (element.mnistMatrix ??= {
    root: element.appendChild(document.createElement("section")),
    state: { how: "off", off: [], blurred: [], sent: 0 },
  });
  const { root, state } = matrix;
  root.className = "mnist-matrix";
  if ((data.answers ?? state.sent) >= state.sent) {
    state.off = [...data.off];
    state.blurred = [...data.blurred];
  }
  Object.assign(matrix, { data, changed });
  paintMatrix(matrix);
}

function paintMatrix(matrix) {
  const { root, data } = matrix;
  const focused = root.querySelector(":focus")?.dataset ?? {};
  root.replaceChildren();
  drawControls(matrix);
  drawReads(matrix);
  const table = write("", "div", root);
  table.className = "matrix";
  table.style.setProperty("--columns", data.columns.length);
  ["", ...data.columns].forEach((name, n) => {
    write(name, "span", table).style.gridArea = `1 / ${n + 1}`;
  });
  data.rows.forEach((name, n) => {
    write(name, "b", table).style.gridArea = `${n + 2} / 1`;
  });
  data.cells.forEach((cell) => drawCell(matrix, cell, table));
  // The keyboard stays where it was.
  const again = [...root.querySelectorAll("button")].find(
    (button) =>
      (focused.part && button.dataset.part === focused.part) ||
      (focused.how && button.dataset.how === focused.how),
  );
  again?.focus();
}

function write(text, name, parent) {
  const node = document.createElement(name);
  node.textContent = text;
  parent.append(node);
  return node;
}

function drawControls(matrix) {
  const { root, state } = matrix;
  const bar = write("", "div", root);
  bar.className = "matrix-bar";
  for (const [how, label] of [["off", "A click switches off"], ["blurred", "A click blurs"]]) {
    const button = write(label, "button", bar);
    button.setAttribute("aria-pressed", state.how === how);
    button.dataset.how = how;
    button.onclick = () => {
      state.how = how;
      paintMatrix(matrix);
    };
  }
  const reset = write("Reset", "button", bar);
  reset.dataset.reset = "";
  reset.disabled = !state.off.length && !state.blurred.length;
  reset.onclick = () => changeParts(matrix, [], []);
}

// What becomes of the reading, beside the finger: tiles above are out of sight on a phone.
function drawReads({ root, state, data }) {
  const line = write("", "p", root);
  line.className = "matrix-reads";
  line.setAttribute("role", "status");
  const [before, now] = data.reads;
  const isKnown = (data.answers ?? state.sent) >= state.sent;
  line.append("Now it reads ");
  write(isKnown ? now || "nothing" : "…", "b", line);
  if (isKnown && now !== before) line.append(` instead of ${before || "nothing"}`);
}

function drawCell(matrix, cell, parent) {
  const { state, data } = matrix;
  const shown = stateOfCell(matrix, cell);
  const costs = cell.costs === null || shown === "off" ? null : cell.costs;
  const number = costs === null ? "" : `${Math.round(100 * costs)}%`;
  const isNamed = ["all cross-attention", "places"].includes(cell.name);
  const text = shown === "on" ? number : shown;
  const button = write(isNamed ? `${cell.name}: ${text}` : text, "button", parent);
  button.className = `matrix-cell ${shown}`;
  button.dataset.part = cell.name;
  button.dataset.costs = cell.costs;
  button.style.gridArea =
    `${cell.row + 2} / ${cell.column + 2} / span ${cell.rows} / span ${cell.columns}`;
  if (shown === "on" && costs !== null) {
    button.style.setProperty("--share", `${Math.round(85 * Math.sqrt(costs))}%`);
    button.classList.toggle("much", costs > 0.3);
  }
  button.setAttribute("aria-pressed", shown !== "on");
  button.title = `${cell.name}: ` +
    (shown !== "on" ? shown : `without it a digit loses ${number} of its likelihood`);
  button.setAttribute("aria-label", button.title);
  const isHead = (part) => part in data.heads;
  button.disabled = state.how === "blurred" && !cell.parts.every(isHead);
  button.onclick = () => pressCell(matrix, cell);
}

// --- what is off, what is blurred --------------------------------------------------------------

// What one sees of a part: off, also where its whole layer is, or blurred, or on.
function stateOfPart({ state, data }, part) {
  if (state.off.includes(part) || state.off.includes(data.heads[part])) return "off";
  return state.blurred.includes(part) ? "blurred" : "on";
}

function stateOfCell(matrix, cell) {
  const states = new Set(cell.parts.map((part) => stateOfPart(matrix, part)));
  return states.size === 1 ? [...states][0] : "on";
}

function pressCell(matrix, cell) {
  const { state } = matrix;
  const others = (parts) => parts.filter((part) => !cell.parts.includes(part));
  const isSet = cell.parts.every((part) => state[state.how].includes(part));
  const now = { off: others(state.off), blurred: others(state.blurred) };
  if (!isSet) now[state.how] = [...now[state.how], ...cell.parts];
  changeParts(matrix, now.off, now.blurred);
}

function changeParts(matrix, off, blurred) {
  const { state, changed } = matrix;
  Object.assign(state, { off, blurred, sent: state.sent + 1 });
  paintMatrix(matrix);
  changed({ off, blurred, sent: state.sent });
}
