// The numbers inside one head, in the order of the formula: what is asked, what a place answers,
// the score of every place, its share, and what the head hands on.

function insideView(section, data, heads) {
  const formula = make("p", "formula");
  const before = barsView("The scores of all", "before the softmax");
  const after = barsView("Their shares of 100%", "after it");
  const table = make("div", "table");
  const element = make(
    "details",
    "inside",
    make("summary", "", ""),
    formula,
    make("div", "two", before.element, after.element),
    table,
  );
  element.open = data.settings.inside ?? true;
  element.ontoggle = () => (data.settings.inside = element.open);

  function show(head, asks, answers, isOff) {
    element.firstChild.textContent = `The numbers inside ${section.heads[head]}`;
    element.classList.toggle("off", isOff);
    const scores = heads.scores(head, asks);
    const weights = heads.weights(head, asks);
    const [q, k, v] = [
      heads.query(head, asks),
      heads.key(head, answers),
      heads.value(head, answers),
    ];
    const products = q.map((number, n) => number * k[n]);
    const total = products.reduce((sum, product) => sum + product, 0);
    const root = Math.sqrt(heads.dim);
    const many = `${scores.length} ${section.over === "patch" ? "patches" : scores.length > 1 ? "tokens" : "token"}`;
    formula.replaceChildren(
      "query · key = ",
      number(total, "product"),
      ` → divided by √${heads.dim} = ${root.toFixed(root % 1 ? 2 : 0)}: score `,
      number(scores[answers], "score"),
      ` → softmax over ${many}: `,
      make("b", "", asPercent(weights[answers])),
      " → so much of the value is added to what comes out.",
    );
    formula.dataset.score = scores[answers];
    formula.dataset.weight = weights[answers];
    before.show(scores, answers);
    after.show(weights, answers, asPercent);
    const rows = {
      query: q,
      key: k,
      "query × key": products,
      value: v,
      "comes out": heads.gathered(head, asks),
    };
    table.replaceChildren(
      ...Object.entries(rows).map(([name, numbers]) => numberRow(name, numbers)),
    );
  }

  return { element, show };
}

function number(value, name) {
  const shown = make("b", "", value.toFixed(2));
  shown.dataset[name] = value;
  return shown;
}

// A row of numbers, each on the colour of its size.
function numberRow(name, numbers) {
  const colour = signed(Math.max(...numbers.map(Math.abs)));
  const cells = [...numbers].map((value) => {
    const cell = make("span", "cell", value.toFixed(1));
    const shade = colour(value).slice(0, 3);
    cell.style.background = `rgb(${shade})`;
    cell.style.color = inkOn(shade);
    cell.title = value.toFixed(4);
    return cell;
  });
  const row = make("div", "row", make("span", "row-name", name), ...cells);
  row.dataset.numbers = JSON.stringify([...numbers].map((value) => Number(value.toFixed(4))));
  return row;
}

// A bar for every key; the one that is compared is blue.
function barsView(title, when) {
  const canvas = make("canvas", "bars");
  const ends = make("span", "ends");
  const element = make("figure", "", make("figcaption", "", `${title} ${when}`, ends), canvas);

  function show(values, marked, named = (value) => value.toFixed(1)) {
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    ends.textContent = `: from ${named(Math.min(...values))} to ${named(Math.max(...values))}`;
    const [width, height] = [Math.max(2 * values.length, 560), 90];
    resize(canvas, width, height);
    const brush = canvas.getContext("2d");
    brush.clearRect(0, 0, width, height);
    const place = (value) => height - ((value - low) / (high - low || 1)) * height;
    const step = width / values.length;
    values.forEach((value, n) => {
      brush.fillStyle = n === marked ? "#1971c2" : "#d9480f";
      const [top, bottom] = [Math.min(place(value), place(0)), Math.max(place(value), place(0))];
      brush.fillRect(n * step, top, Math.max(step - 1, 1), Math.max(bottom - top, 1));
    });
  }

  return { element, show };
}
