// The drawing, and other bytes, as the data carries them (packing.py).

function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Puts the drawing on a canvas of its own size, dark on white; darkness: of full ink, 0 to 1.
function putInk(canvas, { width, height, ink }, darkness = 1) {
  const picture = new ImageData(width, height);
  picture.data.fill(255);
  bytesOf(ink).forEach((dark, n) => {
    if (dark) picture.data.fill(255 - darkness * dark, 4 * n, 4 * n + 3);
  });
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(picture, 0, 0);
}
