// Maps of attention as the data carries them, and how they are painted. Needs ink.js.

// From what Python packed (`pack` in packing.py): numbers of 0 to 255, one scale for each map.
function unpack(packed) {
  const bytes = bytesOf(packed.bytes);
  const size = packed.shape.at(-1);
  return {
    shape: packed.shape,
    count: bytes.length / size,
    // The n-th map, counted in the order in which Python lays an array out.
    map: (n) =>
      Float32Array.from(bytes.subarray(n * size, (n + 1) * size), (byte) => byte * packed.scales[n]),
  };
}

// The same colours as the figures' OVERLAY: clear where a head does not look.
function glow(share) {
  const opacity = share < 0.15 ? share / 0.6 : 0.25 + ((share - 0.15) / 0.85) * 0.6;
  return `rgba(217, 72, 15, ${opacity})`;
}
