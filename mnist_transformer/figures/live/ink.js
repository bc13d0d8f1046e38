// The drawing, and other bytes, as the data carries them (packing.py).

function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

// Puts the drawing on a canvas of its own size, dark on white; darkness: of full ink, 0 to 1.
function putInk(canvas, { width, height, ink }, darkness = 1) {
  const picture = new ImageData(width, height);
  bytesOf(ink).forEach((dark, n) => {
    const light = 255 - darkness * dark;
    picture.data.set([light, light, light, 255], 4 * n);
  });
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(picture, 0, 0);
}
