// The stage: the drawing as the model saw it, where it looked at the chosen step, and what it read.
//
//   const stop = drawStage(element, data, {store})
//
// data is `stage_data` of stage.py. Called again with the same element, it shows the new data in
// place. Needs follow.js, maps.js and drawing.js.

const PACE = 900; // milliseconds that a step stands while playing

function drawStage(element, data, { store = pageStore() } = {}) {
  const stage = (element.mnistStage ??= buildStage(element, store));
  stage.show(data);
  return stage.stop;
}

function buildStage(element, store) {
  const root = document.createElement("section");
  root.className = "mnist-stage";
  root.setAttribute("aria-label", "The drawing as the model sees it, and what it reads");
  root.innerHTML = `<div class="mnist-grid">
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
  element.append(root);
  const find = (name) => root.querySelector(name);
  const tiles = find(".mnist-tiles");
  const drawing = makeDrawing(find("canvas"), (place) => placeTiles(tiles, data, place));
  const play = find(".mnist-play");
  const heads = find("select");

  let data = null;
  let maps = null;
  let timer = null;
  let unsubscribe = null;

  const stepOf = (now) => (now.step < data.steps.length ? now.step : 0);
  // A head of the encoder has no weights of its own for a step of the decoder.
  const headOf = (now) => data.heads.indexOf(now.head);

  function show(fresh) {
    // A rerun that changes nothing must not touch a thing.
    if (JSON.stringify(fresh) !== JSON.stringify(data)) {
      data = { heads: [], ...fresh };
      maps = data.steps.length ? { mean: unpack(data.mean), cross: unpack(data.cross) } : null;
      drawing.load(data);
      fillTiles(tiles, data);
      fillHeads(heads, data);
      fillOutcomes(find(".mnist-outcomes"), data);
      root.classList.toggle("mnist-blank", !data.steps.length);
      if (!data.steps.length) pause();
    }
    unsubscribe ??= store.subscribe(update);
    update(store.now);
  }

  function update(now) {
    if (!data) return;
    const says = find(".mnist-says");
    if (!data.steps.length) {
      says.textContent = data.hints.join("; ");
      drawing.paint(null, null);
      return;
    }
    const step = stepOf(now);
    const head = headOf(now);
    const steps = data.steps.length;
    const map = head < 0 ? maps.mean.map(step) : maps.cross.map(head * steps + step);
    drawing.paint(map, now.patch, step, head < 0 ? "mean" : now.head);
    heads.value = head < 0 ? "" : now.head;
    for (const tile of tiles.querySelectorAll("button")) {
      const chosen = Number(tile.dataset.step) === step;
      tile.setAttribute("aria-pressed", chosen);
      tile.tabIndex = chosen ? 0 : -1;
    }
    markOutcomes(find(".mnist-outcomes"), data, step);
    says.textContent = sentence(data, step, head < 0 ? null : now.head, now.patch, map);
  }

  function go(step) {
    const last = data.steps.length - 1;
    store.set({ step: Math.max(0, Math.min(last, step)) });
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    play.textContent = "▶ Play";
  }

  function start() {
    if (stepOf(store.chosen) === data.steps.length - 1) go(0);
    play.textContent = "❚❚ Pause";
    timer = setInterval(() => {
      if (stepOf(store.chosen) < data.steps.length - 1) go(stepOf(store.chosen) + 1);
      else pause();
    }, PACE);
  }

  play.onclick = () => (timer ? pause() : start());
  pause();
  heads.onchange = () => store.set({ head: heads.value || null });

  tiles.onclick = (event) => {
    const tile = event.target.closest("button");
    if (tile) go(Number(tile.dataset.step));
  };
  // A finger has no hovering: its touch would leave the step behind.
  tiles.onpointerover = (event) => {
    const tile = event.target.closest("button");
    if (event.pointerType === "mouse") store.hover(tile ? { step: Number(tile.dataset.step) } : {});
  };
  tiles.onpointerleave = () => store.hover({});
  root.onkeydown = (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (!(event.key in moves) || event.target === heads || !data.steps.length) return;
    event.preventDefault();
    store.hover({});
    go(stepOf(store.chosen) + moves[event.key]);
    if (tiles.contains(event.target)) tiles.querySelector('[aria-pressed="true"]').focus();
  };
  drawing.onpatch((patch, chosen) => {
    if (!data.steps.length) return;
    if (!chosen) store.hover(patch === null ? {} : { patch });
    else store.set({ patch: store.chosen.patch === patch ? null : patch });
  });

  return {
    show,
    stop() {
      pause();
      drawing.stop();
      unsubscribe?.();
      root.remove();
      delete element.mnistStage;
    },
  };
}

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
  if (patch === null || patch >= map.length) {
    const looks = `Orange: where ${head ?? "its cross-attention"} looks`;
    return `${start}${[looks, ...data.hints].join("; ")}.`;
  }
  const [row, column] = [Math.floor(patch / data.grid[1]) + 1, (patch % data.grid[1]) + 1];
  return `${start}Patch in row ${row}, column ${column}: ${percent(map[patch], 1)} of the attention.`;
}
