// The strip's two wires: from the memory to every cross-attention, and from the answer back to the
// next token.

function makeWires(row, boxes) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "strip-wires");
  svg.setAttribute("aria-hidden", "true");
  row.append(svg);

  function draw() {
    const frame = row.getBoundingClientRect();
    if (!frame.width) return;
    svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
    const place = (box) => {
      const { left, right, top, bottom } = box.getBoundingClientRect();
      return {
        x: (left + right) / 2 - frame.left,
        top: top - frame.top,
        bottom: bottom - frame.top,
      };
    };
    const of = (kind) =>
      [...boxes.values()].filter((box) => box.classList.contains(kind)).map(place);
    const [memory] = of("memory");
    const [token] = of("token");
    const [answer] = of("answer");
    const above = memory.top - 7;
    const below = answer.bottom + 9;
    const looks = of("cross").map(
      ({ x, top }) => `M${memory.x} ${memory.top} V${above} H${x} V${top - 1}`,
    );
    svg.innerHTML =
      looks
        .map((path) => `<path d="${path}" />${head(path.match(/H([\d.]+)/)[1], memory.top - 1, 1)}`)
        .join("") +
      `<path class="back" d="M${answer.x} ${answer.bottom} V${below} H${token.x} V${token.bottom + 1}" />` +
      head(token.x, token.bottom + 1, -1, "back");
  }

  // An arrow's head that points down (1) or up (-1) to a place.
  function head(x, y, way, name = "") {
    return `<path class="head ${name}" d="M${x} ${y} l-4 ${-6 * way} h8 z" />`;
  }

  const observer = new ResizeObserver(draw);
  observer.observe(row);
  return { draw, stop: () => observer.disconnect() };
}
