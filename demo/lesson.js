// The course's card: one lesson, what it points at, and whether its task is done.
//
// data: {number, titles, lesson: {title, text, task, praise, point, tab, part, watch}, done, steps,
// screen}. number counts from 1; 0 is no lesson: then there is a button alone that opens the course.
// screen is what the address says is chosen: {step, part, head, patch, tab}.
// tell("go", number) asks for another lesson; tell("did", number) says that a watched task is done.

function drawLesson(element, data, tell) {
  const card = (element.mnistLesson ??= buildLesson(element));
  card.show(data, tell);
  return card.stop;
}

function buildLesson(element) {
  const root = element.appendChild(document.createElement("section"));
  root.className = "mnist-course";
  const frame = document.body.appendChild(document.createElement("div"));
  frame.className = "mnist-pointer";
  const store = pageStore();
  let data = null;
  let tell = null;
  let opened = 0; // the lesson whose part and tab were opened
  let told = 0; // the lesson whose task is known to be done
  let folded = false;
  let isUp = false; // whether the card is in the upper corner
  let begun = {}; // what was chosen when the lesson began
  let steps = new Set(); // chosen since then, with what is watched
  let arrived = false; // what the address says is chosen was chosen
  let wantedTab = null;
  let timer = null;

  function show(fresh, newTell) {
    tell = newTell;
    const isNew = !data || fresh.number !== data.number;
    data = fresh;
    if (data.done) remember(data.number);
    if (isNew) begin();
    draw();
    if (!arrived) arrive(data.screen ?? {});
    timer ??= setInterval(follow, 200);
  }

  // A link brings what was chosen when it was made.
  function arrive({ tab = null, ...chosen }) {
    arrived = true;
    wantedTab = tab;
    if (Object.keys(chosen).length) store.set(chosen);
  }

  // A lesson opens what it speaks of, once; from then on the page is the visitor's.
  function begin() {
    folded = isUp = false;
    steps = new Set();
    if (data.lesson?.part) store.set({ part: data.lesson.part, patch: null });
    begun = { ...store.chosen };
    opened = told = 0;
  }

  function make(name, text, parent, classes = "") {
    const node = parent.appendChild(document.createElement(name));
    node.textContent = text;
    node.className = classes;
    return node;
  }

  function button(text, parent, act, classes) {
    const node = make("button", text, parent, classes);
    node.type = "button";
    node.onclick = act;
    return node;
  }

  function draw() {
    root.replaceChildren();
    const count = data.titles.length;
    const known = done();
    if (!data.number) {
      const next = data.titles.findIndex((_, n) => !known.includes(n + 1)) + 1;
      const label = known.length && next ? `Course: go on with lesson ${next}` : `Course: ${count} lessons`;
      button(label, root, () => tell("go", next || 1), "start");
      return;
    }
    button("Leave the course", root, () => tell("go", 0), "start");
    const card = make("div", "", root, "card");
    for (const [name, is] of Object.entries({ folded, done: data.done, up: isUp })) {
      card.classList.toggle(name, is);
    }
    card.setAttribute("role", "region");
    card.setAttribute("aria-label", "Lesson");
    const head = make("header", "", card);
    make("b", `${data.number} of ${count}: ${data.lesson.title}`, head);
    const fold = button(folded ? "▴" : "▾", head, () => ((folded = !folded), draw()));
    fold.setAttribute("aria-label", folded ? "Unfold the lesson" : "Fold the lesson");
    if (!folded) make("p", data.lesson.text, card);
    const task = make("p", data.done ? `✓ ${data.lesson.praise}` : data.lesson.task, card, "task");
    task.setAttribute("role", "status");
    if (folded) return;
    const row = make("nav", "", card);
    data.titles.forEach((title, n) => {
      const dot = button(known.includes(n + 1) ? "✓" : String(n + 1), row, () => tell("go", n + 1));
      dot.title = title;
      dot.setAttribute("aria-label", `Lesson ${n + 1}: ${title}`);
      dot.setAttribute("aria-current", n + 1 === data.number);
    });
    const isLast = data.number === count;
    button(isLast ? "Finish" : "Next", row, () => tell("go", isLast ? 0 : data.number + 1), "next");
  }

  // Whether what is watched is chosen now. Asked again and again, as the store does not tell when
  // what was pointed at is chosen: nothing is seen differently then.
  function look() {
    const watch = data?.lesson?.watch ?? {};
    if (!data?.number || data.done || told === data.number || !Object.keys(watch).length) return;
    const now = store.chosen;
    const begins = (name, start) => !start || (name ?? "").startsWith(start);
    if (!begins(now.head, watch.head) || !begins(now.part, watch.part)) return;
    steps.add(now.step);
    if (watch.step === "last" && (data.steps < 2 || now.step !== data.steps - 1)) return;
    if (watch.steps && steps.size < watch.steps) return;
    if (watch.patch && (now.patch === null || now.patch === begun.patch)) return;
    if (watch.shown && !document.querySelector(watch.shown)) return;
    told = data.number;
    tell("did", data.number);
  }

  // Opens the tab, scrolls to what is pointed at as soon as it is there, and keeps the frame on it.
  function follow() {
    look();
    const lesson = data?.lesson;
    if (wantedTab && openTab(wantedTab)) wantedTab = null;
    const target = lesson && !data.done && document.querySelector(lesson.point);
    if (lesson && opened !== data.number) {
      if (lesson.tab && !openTab(lesson.tab)) return;
      if (target && target.offsetParent !== null) {
        opened = data.number;
        const box = target.getBoundingClientRect();
        if (box.top < 0 || box.bottom > innerHeight) {
          target.scrollIntoView({ block: box.height > innerHeight ? "start" : "center" });
        }
      }
    }
    const isSeen = target && target.offsetParent !== null;
    frame.style.display = isSeen ? "block" : "none";
    if (!isSeen) return;
    const box = target.getBoundingClientRect();
    makeWay(box);
    const rim = 5;
    frame.style.left = `${box.left - rim}px`;
    frame.style.top = `${box.top - rim}px`;
    frame.style.width = `${box.width + 2 * rim}px`;
    frame.style.height = `${box.height + 2 * rim}px`;
  }

  // The card goes to the upper corner if it would lie over what it points at, and back if not.
  function makeWay(box) {
    const card = root.querySelector(".card");
    const room = card.offsetHeight + 24;
    const isBeside = box.right < innerWidth - card.offsetWidth - 24;
    isUp = !isBeside && box.bottom > innerHeight - room && box.top > room;
    card.classList.toggle("up", isUp);
  }

  // Whether a section is open; if it is not, it is opened.
  function openTab(name) {
    const tabs = [...document.querySelectorAll('[role="tab"]')];
    const tab = tabs.find((one) => one.textContent.trim() === name);
    if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
    return tab?.getAttribute("aria-selected") === "true";
  }

  // Which lessons were done, in this browser: one comes back another day.
  function done() {
    try {
      return JSON.parse(localStorage.getItem("mnist-lessons") ?? "[]");
    } catch {
      return [];
    }
  }

  function remember(number) {
    const known = done();
    if (known.includes(number)) return;
    try {
      localStorage.setItem("mnist-lessons", JSON.stringify([...known, number]));
    } catch {
      // Where nothing may be kept, the course is new every time.
    }
  }

  function stop() {
    clearInterval(timer);
    frame.remove();
    timer = null;
    element.mnistLesson = undefined;
    root.remove();
  }

  return { show, stop };
}
