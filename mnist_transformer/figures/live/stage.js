// The stage: the drawing as the model saw it, where it looked at the chosen step, and what it read.
//
//   const stop = drawStage(element, data, {store})
//
// data is `stage_data` of stage.py. Called again with the same element, it shows the new data in
// place. Needs follow.js, maps.js and drawing.js.

const PACE = 900; // milliseconds that a step stands while playing

function drawStage(element, data, { store = pageStore() } = {}) {
  const stage = (element.mnistStage ??= buildStage(element, store));
  loadStage(stage, data);
  return stage.stop;
}

const STAGE = `<div class="mnist-grid">
  <div class="mnist-seen">
    <canvas role="img"></canvas>
    <div class="mnist-tiles reading" role="status"></div>
  </div>
  <div class="mnist-outcomes" aria-label="How likely each token is at this step"></div>
  <div class="mnist-line">
    <button type="button" class="mnist-play"></button>
    <select aria-label="Whose attention is shown"></select>
    <span class="mnist-says"></span>
  </div>
</div>`;

function buildStage(element, store) {
  const root = document.createElement("section");
  root.className = "mnist-stage";
  root.setAttribute("aria-label", "The drawing as the model sees it, and what it reads");
  root.innerHTML = STAGE;
  element.append(root);
  const find = (name) => root.querySelector(name);
  const stage = {
    store,
    root,
    tiles: find(".mnist-tiles"),
    outcomes: find(".mnist-outcomes"),
    play: find(".mnist-play"),
    heads: find("select"),
    says: find(".mnist-says"),
    data: null,
    told: null, // the data as text, to see whether they are others
    maps: null, // unpacked: the mean of all heads, and every head's
    timer: null, // while it plays
    unsubscribe: null,
  };
  const place = (where) => placeTiles(stage.tiles, stage.data, where);
  stage.drawing = makeDrawing(find("canvas"), place);
  stage.stop = () => {
    pauseStage(stage);
    stage.drawing.stop();
    stage.unsubscribe?.();
    root.remove();
    delete element.mnistStage;
  };
  pauseStage(stage);
  listenOnStage(stage);
  return stage;
}

function loadStage(stage, fresh) {
  const told = JSON.stringify(fresh);
  // A rerun that changes nothing must not touch a thing.
  if (told !== stage.told) {
    const before = stage.data;
    const data = (stage.data = { heads: [], ...fresh });
    const isBlank = !data.steps.length;
    stage.told = told;
    stage.maps = isBlank ? null : { mean: unpack(data.mean), cross: unpack(data.cross) };
    stage.drawing.load(data);
    fillTiles(stage.tiles, data);
    if (`${data.heads}` !== `${before?.heads}`) fillHeads(stage.heads, data);
    if (isBlank || `${data.outcomes}` !== `${before?.outcomes}`) fillOutcomes(stage.outcomes, data);
    stage.root.classList.toggle("mnist-blank", isBlank);
    stage.play.disabled = stage.heads.disabled = isBlank;
    if (isBlank) pauseStage(stage);
  }
  stage.unsubscribe ??= stage.store.subscribe((now) => updateStage(stage, now));
  updateStage(stage, stage.store.now);
}

function updateStage(stage, chosen) {
  const { data, maps, drawing, tiles, says } = stage;
  if (!data) return;
  if (!data.steps.length) {
    says.textContent = data.hints.join("; ");
    drawing.paint(null, null);
    return;
  }
  const steps = data.steps.length;
  const { step, patch, head } = within(chosen, steps, maps.mean.shape.at(-1));
  // A head of the encoder has no weights of its own for a step of the decoder.
  const shown = data.heads.indexOf(head);
  const map = shown < 0 ? maps.mean.map(step) : maps.cross.map(shown * steps + step);
  drawing.paint(map, patch, step, shown < 0 ? "mean" : head);
  stage.heads.value = shown < 0 ? "" : head;
  for (const tile of tiles.querySelectorAll("button")) {
    const isChosen = Number(tile.dataset.step) === step;
    tile.setAttribute("aria-pressed", isChosen);
    tile.tabIndex = isChosen ? 0 : -1;
  }
  markOutcomes(stage.outcomes, data, step);
  says.textContent = sentence(data, step, shown < 0 ? null : head, patch, map);
}

// --- going from step to step -------------------------------------------------------------------

function stageStep({ data, store }) {
  return within(store.chosen, data.steps.length).step;
}

function goTo({ data, store }, step) {
  store.set({ step: Math.max(0, Math.min(data.steps.length - 1, step)) });
}

function pauseStage(stage) {
  clearInterval(stage.timer);
  stage.timer = null;
  stage.play.textContent = "▶ Play";
}

function playStage(stage) {
  const isLast = () => stageStep(stage) === stage.data.steps.length - 1;
  if (isLast()) goTo(stage, 0);
  stage.play.textContent = "❚❚ Pause";
  stage.timer = setInterval(() => {
    if (isLast()) pauseStage(stage);
    else goTo(stage, stageStep(stage) + 1);
  }, PACE);
}

function listenOnStage(stage) {
  const { root, tiles, heads, play, store, drawing } = stage;
  play.onclick = () => (stage.timer ? pauseStage(stage) : playStage(stage));
  heads.onchange = () => store.set({ head: heads.value || null });
  tiles.onclick = (event) => {
    const tile = event.target.closest("button");
    if (tile) goTo(stage, Number(tile.dataset.step));
  };
  // A finger has no hovering: its touch would leave the step behind.
  tiles.onpointerover = (event) => {
    const tile = event.target.closest("button");
    if (event.pointerType === "mouse") store.hover(tile ? { step: Number(tile.dataset.step) } : {});
  };
  tiles.onpointerleave = () => store.hover({});
  root.onkeydown = (event) => moveStep(stage, event);
  drawing.onpatch((patch, isChosen) => {
    if (!stage.data.steps.length) return;
    if (!isChosen) store.hover(patch === null ? {} : { patch });
    else store.set({ patch: store.chosen.patch === patch ? null : patch });
  });
}

function moveStep(stage, event) {
  const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  if (!(event.key in moves) || event.target === stage.heads || !stage.data.steps.length) return;
  event.preventDefault();
  stage.store.hover({});
  goTo(stage, stageStep(stage) + moves[event.key]);
  const chosen = stage.tiles.querySelector('[aria-pressed="true"]');
  if (stage.tiles.contains(event.target)) chosen.focus();
}

// --- what is written in it ---------------------------------------------------------------------

function percent(share, digits = 0) {
  const text = (share * 100).toFixed(digits);
  return `${Number(text) === 100 ? 100 : text}%`;
}

function fillTiles(tiles, data) {
  if (data.steps.length) tiles.dataset.digits = data.digits;
  else delete tiles.dataset.digits;
  tiles.innerHTML = data.steps
    .map(({ name, probability, doubtful }, n) => {
      const isEnd = n >= data.digits.length;
      const kind = isEnd ? "mnist-end" : `tile${doubtful ? " doubtful" : ""}`;
      return `<button type="button" class="${kind}" data-step="${n}"
        aria-label="Step ${n + 1}: ${name}, ${percent(probability)}"><span class="digit">${name}</span>
        <span class="bar"><i style="width:${percent(probability)}"></i></span>
        <span class="sure">${percent(probability)}</span></button>`;
    })
    .join("");
}

// Under what each was read from, but side by side and in the order of reading: of all such rows,
// the one whose tiles lie nearest to their places (Ayer et al. 1955, pool adjacent violators).
function placeTiles(tiles, data, { scale, x, room }) {
  const all = [...tiles.querySelectorAll("button")];
  const width = Math.min(66, room / Math.max(all.length, 1));
  const pools = [];
  data.steps.forEach(({ column }, n) => {
    const isEnd = n >= data.digits.length;
    const wish = (isEnd ? data.ink[1] + width / scale / 2 : column * data.canvas.width) * scale + x;
    pools.push({ sum: wish - n * width, count: 1 });
    while (pools.length > 1 && mean(pools.at(-2)) > mean(pools.at(-1))) {
      const { sum, count } = pools.pop();
      pools.at(-1).sum += sum;
      pools.at(-1).count += count;
    }
  });
  const lefts = pools.flatMap((pool) => Array(pool.count).fill(mean(pool)));
  all.forEach((tile, n) => {
    const most = room - width * (all.length - 0.5);
    const middle = Math.max(width / 2, Math.min(most, lefts[n])) + n * width;
    tile.style.left = `${middle - width / 2}px`;
    tile.style.width = `${width - Math.min(6, width / 12)}px`;
  });
}

function mean({ sum, count }) {
  return sum / count;
}

function fillHeads(select, data) {
  const heads = data.heads.map((name) => `<option value="${name}">${name}</option>`);
  select.innerHTML = `<option value="">all heads</option>${heads.join("")}`;
}

function fillOutcomes(element, data) {
  element.innerHTML = data.outcomes
    .map((name) => `<div><b>${name}</b><i><u></u></i><span></span></div>`)
    .join("");
}

function markOutcomes(element, data, step) {
  const distribution = data.distributions[step];
  const best = Math.max(...distribution);
  [...element.children].forEach((row, n) => {
    row.style.setProperty("--share", distribution[n]);
    row.classList.toggle("mnist-best", distribution[n] === best);
    row.title = `${data.outcomes[n]}: ${percent(distribution[n], 3)}`;
    row.querySelector("span").textContent = distribution[n] < 0.0005 ? "" : percent(distribution[n], 1);
  });
}

function sentence(data, step, head, patch, map) {
  const { name } = data.steps[step];
  const what = name === "end" ? "says that the line ends" : `reads ${name}`;
  const start = `Step ${step + 1} of ${data.steps.length} ${what}. `;
  if (patch === null) {
    const looks = `Orange: where ${head ?? "its cross-attention"} looks`;
    return `${start}${[looks, ...data.hints].join("; ")}.`;
  }
  const [row, column] = [Math.floor(patch / data.grid[1]) + 1, (patch % data.grid[1]) + 1];
  return `${start}Patch in row ${row}, column ${column}: ${percent(map[patch], 1)} of the attention.`;
}
