// How runs went: a tree of them, and below it their numbers as curves over the drawings they have
// learned from. The pointer reads every curve at once; where it clicks the page goes, and where it
// rests, if the page is about a run already.
//
//   const stop = drawCurves(element, data, {moved})
//
// data is `curves_data` of curves.py. moved({run, step}) is told which moment of which run is wanted
// (see mover.js). Called again with the same element, it shows the new data. The scale across is
// that of square roots: most happens at first, and most moments are kept there.

const HUES = ["#d9480f", "#1971c2", "#2f9e44", "#9c36b5", "#b58105"];
const LANE = 38; // pixels of height for each run in the tree
const CHART = 110;
const END = 12; // between the names of two lines
const ROW = 13; // of a head's habits
const RIM = 8; // pixels left and right of a plot

function drawCurves(element, data, { moved = () => {} } = {}) {
  const curves = (element.mnistCurves ??= buildCurves(element));
  curves.show(data, moved);
  return curves.stop;
}

function buildCurves(element) {
  const root = element.appendChild(document.createElement("section"));
  root.className = "mnist-curves";
  const mover = makeMover();
  let data = null;
  let pointed = null; // {run, n} under the pointer

  const chosen = () => {
    const run = data.runs.find((one) => one.id === data.at.run) ?? data.runs.at(-1);
    const n = run.steps.indexOf(data.at.step);
    return { run, n: n < 0 ? run.steps.length - 1 : n };
  };

  function show(fresh, moved) {
    data = fresh;
    mover.tell = moved;
    mover.arrived();
    const run = pointed && data.runs.find((one) => one.id === pointed.run.id);
    pointed = run ? { run, n: Math.min(pointed.n, run.steps.length - 1) } : null;
    root.dataset.at = `${data.at.run} ${data.at.step}`;
    draw();
  }

  function draw() {
    const most = Math.max(1, ...data.runs.flatMap((run) => run.drawings));
    const plots = [drawTree(data, chosen(), most)];
    const charts = make("div", "charts");
    for (const chart of data.charts) plots.push(drawChart(data, chart, chosen().run, most));
    charts.append(...plots.slice(1).map((plot) => plot.node));
    root.replaceChildren(plots[0].node, charts);
    if (data.habits) {
      plots.push(drawHabits(data.habits, chosen().run, most));
      root.append(plots.at(-1).node);
    }
    for (const plot of plots) listen(plot, most);
    root.plots = plots;
    point();
  }

  // Which moment lies under the pointer: of the run whose lane it is in, else of the chosen one.
  function listen(plot, most) {
    plot.area.onpointermove = (event) => {
      const box = plot.area.getBoundingClientRect();
      const share = (event.clientX - box.left - RIM) / (box.width - 2 * RIM);
      const drawings = Math.max(0, share) ** 2 * most;
      const run = plot.lane ? plot.lane(event.clientY - box.top) : chosen().run;
      pointed = { run, n: nearest(run.drawings, drawings) };
      point();
      const rests = data.follows && event.pointerType === "mouse" && !plot.lane;
      if (rests) mover.rest(wish());
    };
    plot.area.onpointerleave = () => {
      mover.cancel();
      pointed = null;
      point();
    };
    plot.area.onclick = (event) => {
      plot.area.onpointermove(event);
      mover.want(wish());
    };
  }

  const wish = () => ({ run: pointed.run.id, step: pointed.run.steps[pointed.n] });

  function point() {
    const { run, n } = pointed ?? chosen();
    for (const plot of root.plots) plot.point(run, n);
  }

  return {
    show,
    stop() {
      mover.cancel();
      root.remove();
      delete element.mnistCurves;
    },
  };
}

function nearest(numbers, wanted) {
  let best = 0;
  numbers.forEach((number, n) => {
    if (Math.abs(number - wanted) < Math.abs(numbers[best] - wanted)) best = n;
  });
  return best;
}

// --- pieces ------------------------------------------------------------------------------------

function make(name, className = "", text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

function shape(name, attributes, parent) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return parent.appendChild(node);
}

// Across, in per cent of a plot without its rim.
const across = (drawings, most) => 100 * Math.sqrt(drawings / most);

// A plot: a box whose inside runs from 0 to 100 per cent, with a line that follows the pointer.
function makePlot(height) {
  const area = make("div", "plot");
  area.style.height = `${height}px`;
  const inside = area.appendChild(make("div", "inside"));
  const svg = shape("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" }, inside);
  const cursor = inside.appendChild(make("i", "cursor"));
  return { area, inside, svg, cursor };
}

function lineOf(points) {
  return points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
}

// --- the tree of runs --------------------------------------------------------------------------

function drawTree(data, chosen, most) {
  const node = make("div", "tree");
  const { area, inside, svg, cursor } = makePlot(LANE * data.runs.length);
  node.append(area);
  const middle = (n) => (100 * (n + 0.7)) / data.runs.length;
  data.runs.forEach((run, lane) => {
    const hue = HUES[run.hue % HUES.length];
    const y = middle(lane);
    const [first, last] = [run.drawings[0] ?? 0, run.drawings.at(-1) ?? 0];
    const ends = { x1: across(first, most), x2: across(last, most), y1: y, y2: y };
    const parent = data.runs.findIndex((other) => other.id === run.parent?.id);
    if (run.parent) {
      const x = across(run.parent.drawings, most);
      ends.x1 = x;
      if (parent >= 0) {
        shape("line", { x1: x, x2: x, y1: middle(parent), y2: y, stroke: hue, class: "run" }, svg);
      }
    }
    shape("line", { ...ends, stroke: hue, class: "run" }, svg);
    for (const drawings of run.drawings) {
      const dot = inside.appendChild(make("i", "dot"));
      dot.style.cssText = `left:${across(drawings, most)}%;top:${y}%;background:${hue}`;
    }
    const label = inside.appendChild(make("span", "label", run.title));
    label.style.cssText = `top:${LANE * lane}px;left:min(${ends.x1}% + 8px, 100% - 340px);color:${hue}`;
    label.classList.toggle("chosen", run === chosen.run);
  });
  const at = inside.appendChild(make("i", "at"));
  return {
    node,
    area,
    lane: (y) => data.runs[Math.max(0, Math.min(data.runs.length - 1, Math.floor(y / LANE)))],
    point(run, n) {
      const left = `${across(run.drawings[n] ?? 0, most)}%`;
      cursor.style.left = left;
      const hue = HUES[run.hue % HUES.length];
      at.style.cssText = `left:${left};top:${middle(data.runs.indexOf(run))}%;background:${hue}`;
    },
  };
}

// --- curves ------------------------------------------------------------------------------------

// One chart: of every run one line, or of the chosen run the lines of `chart.lines`.
function drawChart(data, chart, chosen, most) {
  const node = make("figure", "chart");
  node.dataset.chart = chart.name;
  const title = node.appendChild(make("figcaption", "", chart.title));
  const value = title.appendChild(make("b"));
  const { area, inside, svg, cursor } = makePlot(CHART);
  node.append(area);
  const lines = chart.lines
    ? chart.lines.map(({ name, values }, n) => ({ run: chosen, name, values, hue: n }))
    : data.runs.map((run) => ({ run, values: run[chart.name], hue: run.hue }));
  const known = lines.filter((line) => line.values?.some((number) => number !== null));
  const numbers = known.flatMap((line) => line.values).filter((number) => number !== null);
  const top = chart.share ? 1 : Math.max(...numbers, 1e-9);
  const height = (number) => 100 - (96 * Math.min(number, top)) / top;
  const ends = []; // the names of lines, where these end
  for (const { run, name, values, hue } of known) {
    const points = values
      .map((number, n) => (number === null ? null : [across(run.drawings[n], most), height(number)]))
      .filter((point) => point !== null);
    const stroke = HUES[hue % HUES.length];
    const isMain = run === chosen;
    const line = shape("polyline", { points: lineOf(points), stroke, class: isMain ? "main" : "" }, svg);
    line.dataset.run = run.id;
    if (name) {
      const label = inside.appendChild(make("span", "end", name));
      label.style.cssText = `left:${points.at(-1)[0]}%;color:${stroke}`;
      ends.push({ label, top: points.at(-1)[1] });
    }
  }
  spread(ends, (100 * END) / CHART);
  inside.append(make("small", "top", chart.share ? "100 %" : told(top)), make("small", "zero", "0"));
  return {
    node,
    area,
    point(run, n) {
      cursor.style.left = `${across(run.drawings[n] ?? 0, most)}%`;
      const own = chart.lines ? null : run[chart.name]?.[n];
      value.textContent = own === null || own === undefined ? "" : told(own, chart.share);
    },
  };
}

// Names that would stand on one another are put below, or above, one another.
function spread(ends, apart) {
  ends.sort((one, other) => one.top - other.top);
  let [least, most] = [0, 100];
  for (const end of ends) least = (end.top = Math.max(end.top, least)) + apart;
  for (const end of ends.reverse()) most = (end.top = Math.min(end.top, most)) - apart;
  for (const { label, top } of ends) label.style.top = `${top}%`;
}

function told(number, isShare = false) {
  if (isShare) return `${Math.round(100 * number)} %`;
  return number >= 0.1 || number === 0 ? number.toFixed(2) : String(Number(number.toPrecision(2)));
}

// --- what heads do -----------------------------------------------------------------------------

// A row a head: how much of its attention goes where it goes in the end, from moment to moment; a
// mark where it found that habit for good.
function drawHabits(habits, run, most) {
  const node = make("div", "habits");
  const title = node.appendChild(make("h4", "", "What every head does"));
  const says = title.appendChild(make("b"));
  const body = node.appendChild(make("div", "rows"));
  const names = body.appendChild(make("div", "names"));
  const { area, inside, cursor } = makePlot(ROW * habits.heads.length);
  const canvas = inside.insertBefore(make("canvas"), inside.firstChild);
  const ends = make("div", "names");
  body.append(area, ends);
  canvas.width = 600;
  canvas.height = habits.heads.length;
  const brush = canvas.getContext("2d");
  const edges = run.drawings.map((drawings) => across(drawings, most) / 100);
  habits.heads.forEach((head, row) => {
    names.append(make("span", "", head.name));
    ends.append(make("span", head.found === null ? "none" : "", head.habit));
    head.shares.forEach((share, n) => {
      if (share === null) return;
      const from = n ? (edges[n - 1] + edges[n]) / 2 : 0;
      const to = n + 1 < edges.length ? (edges[n] + edges[n + 1]) / 2 : edges[n];
      brush.fillStyle = `rgba(217, 72, 15, ${share})`;
      brush.fillRect(from * 600, row, (to - from) * 600, 1);
    });
    if (head.found !== null) {
      const mark = inside.appendChild(make("i", "found"));
      mark.style.cssText = `left:${100 * edges[head.found]}%;top:${ROW * (row + 0.5)}px`;
      mark.title = `${head.name} found its habit after ${run.drawings[head.found]} drawings`;
    }
  });
  return {
    node,
    area,
    point(of, n) {
      cursor.style.left = `${across(of.drawings[n] ?? 0, most)}%`;
      const found = habits.heads.filter((head) => head.found !== null && head.found <= n).length;
      says.textContent = of === run ? `${found} of ${habits.heads.length} have found it` : "";
    },
  };
}
