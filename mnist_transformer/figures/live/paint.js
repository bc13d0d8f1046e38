// How the machine's pictures are painted: maps over the drawing, lists of numbers, shares.
// Needs ink.js and maps.js.

const PIXEL = 2; // of a painted panel for one of the model's canvas

function make(tag, className = "", ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

// The inverse of Python's `pack_numbers`: whole numbers against one scale for all.
function unpackNumbers({ words, bits, scale, shape }) {
  const bytes = bytesOf(words);
  const whole = bits === 16 ? new Int16Array(bytes.buffer) : new Int8Array(bytes.buffer);
  const numbers = Float32Array.from(whole, (word) => word * scale);
  const size = shape.at(-1);
  return { shape, numbers, row: (n) => numbers.subarray(n * size, (n + 1) * size) };
}

// The drawing as a picture, dark on white; made once for each reading.
function inkOf(data) {
  if (data.inkPicture) return data.inkPicture;
  const canvas = make("canvas");
  putInk(canvas, data.canvas);
  Object.defineProperty(data, "inkPicture", { value: canvas }); // not listed: no part of the data
  return canvas;
}

// The drawing with one weight for each patch laid over it, or none.
//   peak: the weight that is painted fullest; marked: a patch to frame; whole: with all the paper.
function paintMap(canvas, data, weights, { peak, marked = null, gridded, whole, isOff } = {}) {
  const [first, end] = whole ? [0, data.columns] : data.crop;
  const size = (data.canvas.height / data.rows) * PIXEL; // of a patch
  resize(canvas, (end - first) * size, data.rows * size);
  canvas.style.setProperty("--shape", (end - first) / data.rows); // how many times as wide as high
  const brush = canvas.getContext("2d");
  brush.imageSmoothingEnabled = false;
  const { width, height } = data.canvas;
  brush.drawImage(inkOf(data), -first * size, 0, width * PIXEL, height * PIXEL);
  const place = (n) => [((n % data.columns) - first) * size, Math.floor(n / data.columns) * size];
  if (isOff) veil(brush, canvas);
  else
    weights?.forEach((weight, n) => {
      brush.fillStyle = glow(Math.min(weight / (peak || 1), 1));
      brush.fillRect(...place(n), size, size);
    });
  if (gridded) {
    brush.strokeStyle = "#1971c2";
    brush.lineWidth = 1;
    for (let n = 0; n < data.rows * data.columns; n++) brush.strokeRect(...place(n), size, size);
  }
  if (marked !== null) {
    brush.strokeStyle = "#1971c2";
    brush.lineWidth = 3;
    const [x, y] = place(marked);
    brush.strokeRect(x + 1, y + 1, size - 2, size - 2);
  }
}

// What is off adds nothing, and is not to be taken for what looks nowhere or everywhere.
function veil(brush, canvas) {
  brush.fillStyle = "rgba(222, 226, 230, .92)";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.fillStyle = "#343a40";
  brush.font = `600 ${Math.round(canvas.height * 0.6)}px sans-serif`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  brush.fillText("off", canvas.width / 2, canvas.height / 2);
}

// Numbers as cells of one pixel, row by row; CSS makes them as large as there is room.
function paintCells(canvas, numbers, rows, columns, colour) {
  resize(canvas, columns, rows);
  const picture = new ImageData(columns, rows);
  for (let n = 0; n < rows * columns; n++) picture.data.set(colour(numbers[n] ?? NaN), 4 * n);
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

// How many cells stand in a row: about twice as wide as high, and no rest.
function columnsOf(count) {
  let columns = Math.ceil(Math.sqrt(count * 2));
  while (count % columns) columns++;
  return columns;
}

function resize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

// Shares from white to the accent; what is no number stays grey.
function orange(peak) {
  return (value) => mixed(value / (peak || 1), [217, 72, 15]);
}

// Below 0 blue, above 0 orange, 0 white.
function signed(peak) {
  const below = [25, 113, 194];
  return (value) => mixed(Math.abs(value) / (peak || 1), value < 0 ? below : [217, 72, 15]);
}

function mixed(share, colour) {
  if (Number.isNaN(share)) return [222, 226, 230, 255];
  const part = Math.sqrt(Math.min(share, 1)); // small numbers are to be seen, too
  return [...colour.map((end) => Math.round(255 + (end - 255) * part)), 255];
}

// Black or white, whichever is read more easily on a colour: never less than 4.5 : 1 (WCAG 2).
function inkOn(colour) {
  const [red, green, blue] = colour.map((end) => {
    const share = end / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

// A share for people: "0.4%", "38%".
function asPercent(share) {
  const shown = share * 100;
  return `${shown > 0 && shown < 9.95 ? shown.toFixed(1) : shown.toFixed(0)}%`;
}

// How large an addition is beside what it is added to: "38%", "10×".
function asAddition(change) {
  return change < 9.95 ? asPercent(change) : `${change.toFixed(0)}×`;
}
