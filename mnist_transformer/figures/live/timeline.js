// The moments of one run as a slider: every moment a notch, and behind them how well it read.
//
//   const stop = drawTimeline(element, data, {moved})
//
// data: {run, steps: [step of each moment], values: [0..1 of each], at: step, says: [text of each],
// label}. moved({run, step}) is told which moment is wanted (see mover.js). Called again with the
// same element, it shows the new data. Play goes on whenever the page has followed.

const FRAME = 350; // milliseconds that a moment is shown for at least while it plays

function drawTimeline(element, data, { moved = () => {} } = {}) {
  const timeline = (element.mnistTimeline ??= buildTimeline(element));
  timeline.show(data, moved);
  return timeline.stop;
}

function buildTimeline(element) {
  const root = element.appendChild(document.createElement("section"));
  root.className = "mnist-timeline";
  root.innerHTML = `<button type="button"></button>
    <div class="track" role="slider" tabindex="0" aria-valuemin="0">
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        <polygon></polygon></svg><div class="notches"></div><i class="thumb"></i></div>
    <output></output>`;
  const [play, track, output] = root.children;
  const [svg, notches, thumb] = track.children;
  const mover = makeMover();
  let data = null;
  let place = 0; // which moment the thumb is on
  let isHeld = false;
  let timer = null;
  let shownAt = 0;

  function show(fresh, moved) {
    mover.tell = moved;
    const isOther = data?.run !== fresh.run || data.steps.length !== fresh.steps.length;
    data = fresh;
    mover.arrived();
    track.setAttribute("aria-label", data.label);
    track.setAttribute("aria-valuemax", data.steps.length - 1);
    if (isOther) {
      const last = Math.max(1, data.steps.length - 1);
      const line = data.values.map((value, n) => `${(100 * n) / last},${100 - 100 * value}`);
      svg.firstElementChild.setAttribute("points", `0,100 ${line.join(" ")} 100,100`);
      notches.replaceChildren(...data.steps.map(() => document.createElement("i")));
    }
    if (!isHeld) put(data.steps.indexOf(data.at));
    root.dataset.at = data.at;
    if (timer !== null) next();
    sayPlay();
  }

  function put(n) {
    place = Math.max(0, Math.min(data.steps.length - 1, n));
    thumb.style.left = `${(100 * place) / Math.max(1, data.steps.length - 1)}%`;
    output.textContent = data.says[place];
    track.setAttribute("aria-valuenow", place);
    track.setAttribute("aria-valuetext", data.says[place]);
  }

  function go(n) {
    put(n);
    if (data.steps[place] !== data.at || isHeld) {
      mover.want({ run: data.run, step: data.steps[place] });
    }
  }

  function under(event) {
    const box = track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return Math.round(Math.max(0, Math.min(1, share)) * (data.steps.length - 1));
  }

  track.onpointerdown = (event) => {
    pause();
    isHeld = true;
    track.setPointerCapture(event.pointerId);
    go(under(event));
  };
  track.onpointermove = (event) => isHeld && under(event) !== place && go(under(event));
  track.onpointerup = track.onpointercancel = () => (isHeld = false);
  track.onkeydown = (event) => {
    const last = data.steps.length - 1;
    const to = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    pause();
    go(to);
  };

  // While it plays, the next moment is asked for when this one has been shown for a while.
  function next() {
    clearTimeout(timer);
    if (place >= data.steps.length - 1) return pause();
    const wait = Math.max(0, shownAt + FRAME - performance.now());
    timer = setTimeout(() => {
      shownAt = performance.now();
      go(place + 1);
    }, wait);
  }

  function pause() {
    clearTimeout(timer);
    timer = null;
    sayPlay();
  }

  function sayPlay() {
    play.textContent = timer === null ? "▶" : "❚❚";
    play.setAttribute("aria-label", timer === null ? "Play the training" : "Pause");
  }

  play.onclick = () => {
    if (timer !== null) return pause();
    if (place === data.steps.length - 1) put(-1);
    place = place === 0 && data.at !== data.steps[0] ? -1 : place;
    shownAt = 0;
    next();
    sayPlay();
  };

  return {
    show,
    stop() {
      clearTimeout(timer);
      mover.cancel();
      root.remove();
      delete element.mnistTimeline;
    },
  };
}
