// What is chosen on the page: one step, one part, one head and one patch for all views.
//
//   const follow = pageStore();
//   follow.now                      what is to be shown: {step, part, head, patch}
//   follow.set({step: 2})           chooses; every subscriber is told
//   follow.hover({step: 3})         shows for as long as the pointer stays; follow.hover({}) ends it
//   const stop = follow.subscribe((now) => …)   called at once and at every change; stop() ends it
//
// step counts from 0; part and head are names as people read them ("decoder 1 cross",
// "cross 1, head 4"), null for none, which of heads means the mean of all; patch counts row by row.

function pageStore() {
  document.mnistFollow ??= makeStore();
  return document.mnistFollow;
}

// What of a choice one reading has: for a step that it lacks, its first; for a patch, none.
function within(chosen, steps, patches = 0) {
  const { step, patch } = chosen;
  return {
    ...chosen,
    step: step < steps ? step : 0,
    patch: patch !== null && patch < patches ? patch : null,
  };
}

function makeStore() {
  const subscribers = new Set();
  const store = {
    chosen: { step: 0, part: null, head: null, patch: null },
    hovered: {},
    get now() {
      return { ...store.chosen, ...store.hovered };
    },
    set(changes) {
      change(() => Object.assign(store.chosen, changes));
    },
    hover(changes) {
      change(() => (store.hovered = changes));
    },
    subscribe(subscriber) {
      subscribers.add(subscriber);
      subscriber(store.now);
      return () => subscribers.delete(subscriber);
    },
  };

  // Only changes are told: a pointer that moves within one patch tells nothing. To choose what the
  // pointer is on changes nothing that is seen, but it is told to those who follow `chosen`.
  const state = () => JSON.stringify([store.chosen, store.hovered]);
  function change(act) {
    const before = state();
    act();
    if (state() !== before) subscribers.forEach((tell) => tell(store.now));
  }

  return store;
}
