// The course's card: one lesson, what it points at, and whether its task is done.
//
// data: {number, titles, lesson: {title, text, task, praise, point, see, section, part, watch}, done,
// steps, screen}. number counts from 1; 0 is no lesson: then there is a button alone that opens the
// course. screen is what the address says is chosen: {step, part, head, patch, section}.
// tell("go", number) asks for another lesson; tell("did", number) says that a watched task is done.
// Needs follow.js and pointer.js.

const TICK = 200; // milliseconds between two looks at what is chosen and where things stand
const AGAIN = 2000; // milliseconds after which what the server does not know yet is told again

function drawLesson(element, data, tell) {
  const course = (element.mnistLesson ??= startCourse(element));
  course.show(data, tell);
  return course.stop;
}

function startCourse(element) {
  const course = {
    root: element.appendChild(document.createElement("section")),
    store: pageStore(),
    pointer: makePointer(),
    data: null,
    tell: null,
    opened: 0, // the lesson whose part and section were opened
    told: 0, // the lesson whose task was told to be done, and when
    toldAt: 0,
    folded: false,
    begun: {}, // what was chosen when the lesson began
    steps: new Set(), // chosen since then, with what is watched
    arrived: false, // what the address says is chosen was chosen
    wantedSection: null,
  };
  course.root.className = "mnist-course";
  const act = (event) => visitorActs(course, event);
  ACTS.forEach((kind) => document.addEventListener(kind, act, true));
  let timer = null;
  return {
    show(data, tell) {
      course.tell = tell;
      const isNew = data.number !== course.data?.number;
      course.data = data;
      if (data.done) rememberLesson(data.number);
      if (isNew) beginLesson(course);
      drawCourse(course);
      if (!course.arrived) arriveInCourse(course, data.screen ?? {});
      timer ??= setInterval(() => followLesson(course), TICK);
    },
    stop() {
      clearInterval(timer);
      ACTS.forEach((kind) => document.removeEventListener(kind, act, true));
      course.pointer.stop();
      course.root.remove();
      delete element.mnistLesson;
    },
  };
}

// A link brings what was chosen when it was made.
function arriveInCourse(course, { section = null, ...chosen }) {
  course.arrived = true;
  course.wantedSection = section;
  if (Object.keys(chosen).length) course.store.set(chosen);
}

// A lesson opens what it speaks of, once; from then on the page is the visitor's.
function beginLesson(course) {
  const { lesson } = course.data;
  course.folded = false;
  course.steps = new Set();
  if (lesson?.part) course.store.set({ part: lesson.part, patch: null });
  course.begun = { ...course.store.chosen };
  course.opened = course.told = 0;
  course.pointer.begin();
}

const ACTS = ["pointerdown", "wheel", "keydown"];

// From the first touch of the page on it is not scrolled any more; and where there is little room,
// the text, which was read by then, makes place.
function visitorActs(course, { type, target }) {
  if (!course.data?.number || course.root.contains(target)) return;
  course.pointer.leave();
  if (type !== "pointerdown" || course.folded || !matchMedia("(max-width: 900px)").matches) return;
  course.folded = true;
  drawCourse(course);
}

// --- the card ----------------------------------------------------------------------------------

function drawCourse(course) {
  const { root, data, tell } = course;
  root.replaceChildren();
  const count = data.titles.length;
  if (!data.number) {
    const known = doneLessons();
    const next = data.titles.findIndex((_, n) => !known.includes(n + 1)) + 1;
    const isBegun = known.length && next;
    const label = isBegun ? `Course: go on with lesson ${next}` : `Course: ${count} lessons`;
    addButton(root, label, () => tell("go", next || 1), "start");
  } else {
    addButton(root, "Leave the course", () => tell("go", 0), "start");
    drawCard(course, addNode(root, "div", "", "card"));
  }
  course.pointer.keepRoom(root.querySelector(".card"));
}

function drawCard(course, card) {
  const { data, folded } = course;
  const { title, text, task, praise } = data.lesson;
  card.classList.toggle("folded", folded);
  card.classList.toggle("done", data.done);
  card.setAttribute("role", "region");
  card.setAttribute("aria-label", "Lesson");
  const head = addNode(card, "header");
  addNode(head, "b", `${data.number} of ${data.titles.length}: ${title}`);
  const fold = addButton(head, folded ? "▴" : "▾", () => {
    course.folded = !folded;
    drawCourse(course);
  });
  fold.setAttribute("aria-label", folded ? "Unfold the lesson" : "Fold the lesson");
  if (!folded) addNode(card, "p", text);
  const said = addNode(card, "p", data.done ? `✓ ${praise}` : task, "task");
  said.setAttribute("role", "status");
  if (!folded || data.done) drawLessonButtons(course, addNode(card, "nav"));
}

function drawLessonButtons({ data, tell }, row) {
  const known = doneLessons();
  data.titles.forEach((title, n) => {
    const sign = known.includes(n + 1) ? "✓" : String(n + 1);
    const dot = addButton(row, sign, () => tell("go", n + 1));
    dot.title = title;
    dot.setAttribute("aria-label", `Lesson ${n + 1}: ${title}`);
    dot.setAttribute("aria-current", n + 1 === data.number);
  });
  const isLast = data.number === data.titles.length;
  const go = () => tell("go", isLast ? 0 : data.number + 1);
  addButton(row, isLast ? "Finish" : "Next", go, "next");
}

function addNode(parent, name, text = "", classes = "") {
  const node = parent.appendChild(document.createElement(name));
  node.textContent = text;
  node.className = classes;
  return node;
}

function addButton(parent, text, act, classes) {
  const node = addNode(parent, "button", text, classes);
  node.type = "button";
  node.onclick = act;
  return node;
}

// --- what is done ------------------------------------------------------------------------------

function followLesson(course) {
  watchTask(course);
  const { data } = course;
  if (course.wantedSection && openSection(course.wantedSection)) course.wantedSection = null;
  if (data.lesson?.section && course.opened !== data.number && !openSection(data.lesson.section)) return;
  course.opened = data.number;
  course.pointer.point(data.done ? null : data.lesson);
}

// What is watched is asked again and again, as the store does not tell when what was pointed at is
// chosen: nothing is seen differently then. That it is done is told again until the server knows, as
// what is told while the page is drawn anew may be lost.
function watchTask(course) {
  const { data } = course;
  if (data.done || !data.lesson || !Object.keys(data.lesson.watch).length) return;
  const isTold = course.told === data.number;
  if (isTold ? performance.now() < course.toldAt + AGAIN : !isChosen(course)) return;
  course.told = data.number;
  course.toldAt = performance.now();
  course.tell("did", data.number);
}

// Whether what is watched is chosen now.
function isChosen({ data, begun, steps, store }) {
  const { watch } = data.lesson;
  const now = store.chosen;
  const begins = (name, start) => !start || (name ?? "").startsWith(start);
  if (!begins(now.head, watch.head) || !begins(now.part, watch.part)) return false;
  steps.add(now.step);
  if (watch.step === "last" && (data.steps < 2 || now.step !== data.steps - 1)) return false;
  if (watch.steps && steps.size < watch.steps) return false;
  if (watch.patch && (now.patch === null || now.patch === begun.patch)) return false;
  return !watch.shown || document.querySelector(watch.shown) !== null;
}

// Whether a section is open; if it is not, it is opened.
function openSection(name) {
  const sections = [...document.querySelectorAll('.st-key-sections [role="radio"]')];
  const section = sections.find((one) => one.textContent.trim() === name);
  if (section && section.getAttribute("aria-checked") !== "true") section.click();
  return section?.getAttribute("aria-checked") === "true";
}

// Which lessons were done, in this browser: one comes back another day.
function doneLessons() {
  try {
    return JSON.parse(localStorage.getItem("mnist-lessons") ?? "[]");
  } catch {
    return [];
  }
}

function rememberLesson(number) {
  const known = doneLessons();
  if (known.includes(number)) return;
  try {
    localStorage.setItem("mnist-lessons", JSON.stringify([...known, number]));
  } catch {
    // Where nothing may be kept, the course is new every time.
  }
}
