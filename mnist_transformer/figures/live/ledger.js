// A ledger: numbers on the drawing, patch by patch, and below them other numbers as bars.
//
//   const stop = drawLedger(element, data, {store, step, picked})
//
// data is `ledger_data` of ledger.py. step(n) is told when another step is chosen on the page than
// the one shown; picked(name or patch) when a bar or a patch is clicked, null when it is clicked
// again. Called again with the same element, it shows the new data. Needs follow.js and
// paper.js.

function drawLedger(element, data, { store = pageStore(), step = () => {}, picked = () => {} } = {}) {
  const ledger = (element.mnistLedger ??= buildLedger(element, store));
  ledger.tell = { step, picked };
  ledger.show(data);
  return ledger.stop;
}

function buildLedger(element, store) {
  const root = document.createElement("section");
  root.className = "mnist-ledger";
  root.innerHTML = `<div class="mnist-paper"><canvas role="img" tabindex="0"></canvas></div>
    <div class="mnist-bars"></div>`;
  element.append(root);
  const canvas = root.querySelector("canvas");
  const bars = root.querySelector(".mnist-bars");
  let data = null;
  let unsubscribe = null;
  let seen = ""; // what it was about when the paper was pushed to where the numbers are

  const ledger = {
    tell: {},
    show(fresh) {
      data = fresh;
      canvas.style.setProperty("--columns", data.shown[1] - data.shown[0]);
      paintLedger(canvas, data);
      const about = `${data.step} ${data.label}`;
      if (about !== seen) bringLargestIntoSight(canvas, data);
      seen = about;
      fillBars(bars, data);
      unsubscribe ??= followStep(store, () => data, (step) => ledger.tell.step(step));
    },
    stop() {
      unsubscribe?.();
      observer.disconnect();
      root.remove();
      delete element.mnistLedger;
    },
  };

  const pick = (what) => ledger.tell.picked({ what });
  canvas.onclick = (event) => {
    const [row, column] = placeOf(event, canvas, data).map(Math.floor);
    pick(row * data.grid[1] + column);
  };
  bars.onclick = (event) => {
    const bar = event.target.closest("button");
    if (bar) pick(bar.dataset.name);
  };
  const observer = new ResizeObserver(() => data && paintLedger(canvas, data));
  observer.observe(canvas);
  return ledger;
}

// Where the paper is wider than the window.
function bringLargestIntoSight(canvas, { numbers, grid, shown: [first, end] }) {
  const sizes = numbers.map(Math.abs);
  const column = sizes.indexOf(Math.max(...sizes)) % grid[1];
  const middle = ((column + 0.5 - first) / (end - first)) * canvas.clientWidth;
  canvas.parentElement.scrollLeft = middle - canvas.parentElement.clientWidth / 2;
}

function paintLedger(canvas, data) {
  const { brush, size, corner, pixels } = paintPaper(canvas, data);
  const top = Math.max(...data.numbers.map(Math.abs), 1e-9);
  brush.font = `600 ${Math.max(Math.min(0.3 * size, 18 * pixels), 12 * pixels)}px sans-serif`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  brush.lineJoin = "round";
  data.numbers.forEach((number, n) => {
    const [x, y] = corner(n);
    const share = Math.abs(number) / top;
    const colour = number < 0 ? "25, 113, 194" : "217, 72, 15";
    brush.fillStyle = `rgba(${colour}, ${0.8 * Math.sqrt(share) * (share > 0.01)})`;
    brush.fillRect(x, y, size, size);
    const text = written(number, data.percent);
    if (share >= 0.06 && /[1-9]/.test(text)) {
      // With a light rim, so that it is read on paper, ink and colour alike.
      brush.strokeStyle = "rgba(255, 255, 255, .85)";
      brush.lineWidth = 4 * pixels;
      brush.strokeText(text, x + size / 2, y + size / 2);
      brush.fillStyle = "#111";
      brush.fillText(text, x + size / 2, y + size / 2);
    }
  });
  brush.strokeStyle = "#111";
  brush.lineWidth = 2 * pixels;
  for (const n of data.picked.filter(Number.isInteger))
    brush.strokeRect(...corner(n), size, size);
  canvas.setAttribute("aria-label", data.label);
  canvas.dataset.numbers = JSON.stringify(data.numbers);
  canvas.dataset.shown = JSON.stringify(data.shown);
}

function written(number, percent) {
  const text = percent ? `${(100 * number).toFixed(0)}%` : number.toFixed(1);
  return number > 0 ? `+${text}` : text.replace("-", "−");
}

function fillBars(bars, data) {
  const focused = bars.querySelector(":focus")?.dataset.name;
  const top = Math.max(...data.bars.map(([, number]) => Math.abs(number)), 1e-9);
  bars.replaceChildren(
    ...data.bars.map(([name, number]) => {
      const bar = document.createElement("button");
      bar.type = "button";
      bar.dataset.name = name;
      bar.dataset.amount = number;
      bar.setAttribute("aria-pressed", data.picked.includes(name));
      bar.className = name === "total" ? "mnist-total" : number < 0 ? "mnist-against" : "mnist-for";
      const share = (50 * Math.abs(number)) / top;
      const left = number < 0 ? 50 - share : 50;
      const said = data.percent ? `${(100 * number).toFixed(1)}%` : number.toFixed(3);
      bar.innerHTML = `<span></span><i><u style="left:${left}%;width:${share}%"></u></i><b>${said}</b>`;
      bar.firstChild.textContent = name;
      return bar;
    }),
  );
  [...bars.children].find((bar) => bar.dataset.name === focused)?.focus();
}
