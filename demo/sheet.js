// What the sheet needs of the browser: it tells the page's width, and it mends the canvas, whose
// toolbar, invisible until one hovers, swallows what is written in the upper right corner.

const SETTLED = 200; // milliseconds for which the width stays the same before it is told
const NARROWEST = 240;
const TOLD = 350; // milliseconds after which the canvas has surely told its last stroke
// Its own style comes a frame later than the canvas, which would stand below itself meanwhile.
const MENDED = `.dc-toolbar { display: none !important; }
  .dc-container { background: #fff; position: relative; }
  .dc-background-canvas { position: absolute; top: 0; left: 0; }`;

export default function ({ parentElement, data, setStateValue }) {
  const sheet = parentElement.closest(".st-key-sheet");
  const paper = (sheet.mnistPaper ??= watch(sheet));
  paper.show(data, (width) => setStateValue("width", width));
  return paper.stop;
}

function watch(sheet) {
  const style = new CSSStyleSheet();
  const below = (picture) => `.dc-container { background-image: url("${picture}"); }`;
  let data = null;
  let gone = null; // the picture that made way, until the server knows it
  let tell = null;
  let timer = null;

  const width = () => Math.max(NARROWEST, Math.floor(sheet.clientWidth));

  function measure() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (data && sheet.isConnected && width() !== data.width) tell(width());
    }, SETTLED);
  }

  // An example that stands there on arrival goes with the first touch of the pen.
  function makeWay(event) {
    const isPen = event.button === 0 && event.composedPath()[0] instanceof HTMLCanvasElement;
    if (data?.makesWay && isPen) {
      gone = data.picture;
      style.replaceSync(MENDED);
      sheet.classList.remove("makes-way");
    }
  }

  const sizes = new ResizeObserver(measure);
  const elements = new MutationObserver(() => mend(sheet, style));
  sizes.observe(sheet);
  elements.observe(sheet, { childList: true, subtree: true });
  sheet.addEventListener("pointerdown", makeWay, true);
  const stopWaiting = letUndoWait(sheet);
  style.replaceSync(MENDED);
  mend(sheet, style);

  return {
    show(fresh, report) {
      data = fresh;
      tell = report;
      // Held open, so that nothing below moves while a canvas makes place for another; and of one
      // that was drawn for another width no more is seen than of that which will take its place.
      const stays = data.width === width() || data.rows > 1;
      sheet.style.minHeight = stays ? `${data.height}px` : "";
      sheet.style.setProperty("--canvas", stays ? `${data.height}px` : "var(--sheet)");
      sheet.dataset.rows = data.rows; // beside a tall sheet the stage is lower (style.css)
      sheet.classList.toggle("makes-way", data.makesWay);
      if (!data.makesWay) gone = null;
      const isShown = data.picture && data.picture !== gone;
      style.replaceSync(MENDED + (isShown ? below(data.picture) : ""));
      measure();
    },
    stop() {
      clearTimeout(timer);
      sizes.disconnect();
      elements.disconnect();
      sheet.removeEventListener("pointerdown", makeWay, true);
      stopWaiting();
      delete sheet.mnistPaper;
    },
  };
}

// The canvas lies in a shadow of its own, which comes a moment after its element.
function mend(sheet, style, tries = 60) {
  const roots = [...sheet.querySelectorAll("*")].map((each) => each.shadowRoot).filter(Boolean);
  for (const root of roots)
    if (!root.adoptedStyleSheets.includes(style)) root.adoptedStyleSheets.push(style);
  if (!roots.length && tries) requestAnimationFrame(() => mend(sheet, style, tries - 1));
}

// Undo takes back the last stroke that the canvas told: it waits until that is the last drawn.
function letUndoWait(sheet) {
  let lifted = -Infinity;
  const lift = () => (lifted = performance.now());
  const wait = (event) => {
    const button = event.target.closest?.(".st-key-undo button");
    const rest = lifted + TOLD - performance.now();
    if (!button || rest <= 0) return;
    event.stopPropagation();
    event.preventDefault();
    setTimeout(() => button.click(), rest);
  };
  sheet.addEventListener("pointerup", lift, true);
  document.addEventListener("click", wait, true);
  return () => {
    sheet.removeEventListener("pointerup", lift, true);
    document.removeEventListener("click", wait, true);
  };
}
