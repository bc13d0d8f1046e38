// The parts of the machine as a table of buttons: an attention a row, a head a column. A click
// switches a part off or blurs it, and again puts it back. The number in a field says how much of
// its likelihood a digit would lose without that part.
//
//   drawMatrix(element, data, {changed})
//
// data is `matrix_data` of matrix.py; changed({off, blurred, sent}) is told the names of the parts
// after every click, and which click it was. Called again with the same element, it shows the new
// data, unless these answer (`answers`) an earlier click than the last.

function drawMatrix(element, data, { changed = () => {} } = {}) {
  const root = (element.mnistMatrix ??= element.appendChild(document.createElement("section")));
  root.className = "mnist-matrix";
  const state = (root.state ??= { how: "off", off: [], blurred: [], sent: 0 });
  if ((data.answers ?? state.sent) >= state.sent) {
    state.off = [...data.off];
    state.blurred = [...data.blurred];
  }

  const say = (text, name, parent) => {
    const node = document.createElement(name);
    node.textContent = text;
    parent.append(node);
    return node;
  };

  const isHead = (part) => part in data.heads;
  // What one sees of a part: off, also where its whole layer is, or blurred, or on.
  const stateOf = (part) => {
    if (state.off.includes(part) || state.off.includes(data.heads[part])) return "off";
    return state.blurred.includes(part) ? "blurred" : "on";
  };
  const stateOfCell = (cell) => {
    const states = new Set(cell.parts.map(stateOf));
    return states.size === 1 ? [...states][0] : "on";
  };

  function change(off, blurred) {
    state.off = off;
    state.blurred = blurred;
    state.sent += 1;
    draw();
    changed({ off, blurred, sent: state.sent });
  }

  function press(cell) {
    const list = state.how;
    const others = (parts) => parts.filter((part) => !cell.parts.includes(part));
    const was = state[list];
    const isSet = cell.parts.every((part) => was.includes(part));
    const now = { off: others(state.off), blurred: others(state.blurred) };
    if (!isSet) now[list] = [...now[list], ...cell.parts];
    change(now.off, now.blurred);
  }

  function drawControls(parent) {
    const bar = say("", "div", parent);
    bar.className = "matrix-bar";
    for (const [how, label] of [["off", "A click switches off"], ["blurred", "A click blurs"]]) {
      const button = say(label, "button", bar);
      button.setAttribute("aria-pressed", state.how === how);
      button.dataset.how = how;
      button.onclick = () => {
        state.how = how;
        draw();
      };
    }
    const reset = say("Reset", "button", bar);
    reset.dataset.reset = "";
    reset.disabled = !state.off.length && !state.blurred.length;
    reset.onclick = () => change([], []);
  }

  function drawCell(cell, parent) {
    const shown = stateOfCell(cell);
    const costs = cell.costs === null || shown === "off" ? null : cell.costs;
    const number = costs === null ? "" : `${Math.round(100 * costs)}%`;
    const button = say(shown === "on" ? number : shown, "button", parent);
    button.className = `matrix-cell ${shown}`;
    button.dataset.part = cell.name;
    button.dataset.costs = cell.costs;
    button.style.gridArea =
      `${cell.row + 2} / ${cell.column + 2} / span ${cell.rows} / span ${cell.columns}`;
    if (shown === "on" && costs !== null) {
      button.style.setProperty("--share", `${Math.round(85 * Math.sqrt(costs))}%`);
      button.classList.toggle("much", costs > 0.3);
    }
    const named = ["all cross-attention", "places"].includes(cell.name);
    if (named && shown === "on") button.textContent = `${cell.name}: ${number}`;
    if (named && shown !== "on") button.textContent = `${cell.name}: ${shown}`;
    button.setAttribute("aria-pressed", shown !== "on");
    button.title = `${cell.name}: ` +
      (shown !== "on" ? shown : `without it a digit loses ${number} of its likelihood`);
    button.setAttribute("aria-label", button.title);
    button.disabled = state.how === "blurred" && !cell.parts.every(isHead);
    button.onclick = () => press(cell);
  }

  function draw() {
    const focused = root.querySelector(":focus")?.dataset ?? {};
    root.replaceChildren();
    drawControls(root);
    const table = say("", "div", root);
    table.className = "matrix";
    table.style.setProperty("--columns", data.columns.length);
    data.columns.forEach((name, n) => {
      say(name, "span", table).style.gridArea = `1 / ${n + 2}`;
    });
    data.rows.forEach((name, n) => {
      say(name, "b", table).style.gridArea = `${n + 2} / 1`;
    });
    data.cells.forEach((cell) => drawCell(cell, table));
    // The keyboard stays where it was.
    const again = [...root.querySelectorAll("button")].find(
      (button) =>
        (focused.part && button.dataset.part === focused.part) ||
        (focused.how && button.dataset.how === focused.how),
    );
    again?.focus();
  }

  draw();
}
