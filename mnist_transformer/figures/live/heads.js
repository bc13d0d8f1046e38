// What the heads of one attention do, worked out in the browser from their queries and keys.
// Needs paint.js.

// Scores and weights of all heads of an attention, from the packed queries and keys.
function makeHeads(section) {
  const [query, key, value] = [section.query, section.key, section.value].map(unpackNumbers);
  const [count, queries, dim] = query.shape;
  const keys = key.shape[1];
  // A token sees itself and those before it.
  const visible = (asking) => (section.over === "token" ? asking + 1 : keys);
  const kept = new Map();

  function scores(head, asking) {
    const q = query.row(head * queries + asking);
    return Float32Array.from(
      { length: visible(asking) },
      (_, n) => dot(q, key.row(head * keys + n)) / Math.sqrt(dim),
    );
  }

  function weights(head, asking) {
    const name = head * queries + asking;
    if (!kept.has(name)) kept.set(name, softmax(scores(head, asking)));
    return kept.get(name);
  }

  const peakOf = (head) =>
    Math.max(...Array.from({ length: queries }, (_, n) => Math.max(...weights(head, n))));
  return {
    count,
    dim,
    scores,
    weights,
    peakOf,
    peak: () => Math.max(...Array.from({ length: count }, (_, head) => peakOf(head))),
    query: (head, n) => query.row(head * queries + n),
    key: (head, n) => key.row(head * keys + n),
    value: (head, n) => value.row(head * keys + n),
    // How much each one that asks looks at one key.
    lookers: (head, n) =>
      Float32Array.from({ length: queries }, (_, asking) => weights(head, asking)[n] ?? 0),
    // The values of all keys, each by its share.
    gathered(head, asking) {
      const sum = new Float32Array(dim);
      weights(head, asking).forEach((weight, n) =>
        value.row(head * keys + n).forEach((v, d) => (sum[d] += weight * v)),
      );
      return sum;
    },
  };
}

function dot(a, b) {
  return a.reduce((sum, number, n) => sum + number * b[n], 0);
}

function softmax(scores) {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
