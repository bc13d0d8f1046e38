// The drawing, and other bytes, as the data carries them (packing.py).

function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = letters.charCodeAt(n);
  return bytes;
}

// Puts the drawing on a canvas of its own size, dark on white; darkness: of full ink, 0 to 1.
function putInk(canvas, { width, height, ink }, darkness = 1) {
  const picture = new ImageData(width, height);
  const pixels = picture.data.fill(255);
  bytesOf(ink).forEach((dark, n) => {
    if (dark) pixels[4 * n] = pixels[4 * n + 1] = pixels[4 * n + 2] = 255 - darkness * dark;
  });
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(picture, 0, 0);
}
