// What views of the drawing share that are not the stage: the drawing as paper to write on, and the
// step of the page. Needs follow.js and ink.js.

const LARGEST = 72; // pixels of a patch
const APART = 40; // milliseconds: of several parts that tell something at once, one is heard

// Paints the drawing's columns of patches that are shown, pale, at the canvas's own width; gives the
// brush, the size of a patch, and where the n-th patch lies.
function paintPaper(canvas, data) {
  const [rows, columns] = data.grid;
  const [first, end] = data.shown;
  const pixels = devicePixelRatio || 1;
  canvas.style.maxWidth = `${LARGEST * (end - first)}px`; // of a short line all is seen at once
  canvas.width = Math.round(canvas.clientWidth * pixels);
  const size = canvas.width / (end - first);
  canvas.height = Math.round(size * rows);
  canvas.style.height = `${canvas.height / pixels}px`;
  const own = document.createElement("canvas");
  putInk(own, data.canvas, 0.55);
  const brush = canvas.getContext("2d");
  brush.imageSmoothingEnabled = false;
  brush.drawImage(own, -first * size, 0, columns * size, rows * size);
  const corner = (n) => [((n % columns) - first) * size, Math.floor(n / columns) * size];
  return { brush, size, corner, pixels };
}

// The row and the column of the patches at which a pointer is, as numbers with a fraction.
function placeOf(event, canvas, { grid: [rows], shown: [first, end] }) {
  const box = canvas.getBoundingClientRect();
  return [
    ((event.clientY - box.top) * rows) / box.height,
    first + ((event.clientX - box.left) * (end - first)) / box.width,
  ];
}

// Calls tell(n) whenever another step is chosen on the page than the one that a view shows.
//   shown: gives {step, steps} as they are now; steps is null for a view without any.
function followStep(store, shown, tell) {
  let asked = null; // for once, however often the page draws itself meanwhile
  let timer = null;
  const unsubscribe = store.subscribe(() => {
    const { step, steps } = shown();
    if (!steps) return;
    const chosen = within(store.chosen, steps).step;
    if (chosen === step || chosen !== asked) clearTimeout(timer);
    if (chosen === step) asked = null;
    else if (chosen !== asked) timer = setTimeout(tell, APART, (asked = chosen));
  });
  return () => {
    clearTimeout(timer);
    unsubscribe();
  };
}
