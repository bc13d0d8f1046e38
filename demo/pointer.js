// Points at one thing of the page: a frame round it, which stays on it wherever it moves, and the
// page scrolled so that it lies above the card at the window's lower edge.

const RIM = 5; // pixels of the frame outside of what it is round
const AIR = 10; // pixels that are left between the window's or the card's edge and what is shown

function makePointer() {
  const frame = document.body.appendChild(document.createElement("div"));
  frame.className = "mnist-pointer";
  let leads = false; // whether the page is scrolled; not after the visitor has begun
  let card = null;
  let room = 0; // as high as the card was in this lesson: so much more the page can be scrolled

  // It does not shrink with a card that is folded, else the page would jump under a finger.
  const measure = () => {
    room = card?.isConnected ? Math.max(room, card.offsetHeight) : 0;
    document.documentElement.style.setProperty("--course-room", `${room}px`);
  };
  const observer = new ResizeObserver(measure);

  return {
    begin() {
      leads = true;
      room = 0;
    },
    leave() {
      leads = false;
    },
    keepRoom(fresh) {
      observer.disconnect();
      card = fresh;
      if (card) observer.observe(card);
      measure();
    },
    // lesson: {point, see}, selectors of what is framed, and of what must be in sight: more than
    // that, or the part of it that matters where there is no room for all.
    point(lesson) {
      // What is still being worked out says so in its section.
      const target = seenElement(lesson?.point) ?? seenElement(lesson?.section && ".st-key-sections");
      frame.style.display = target ? "block" : "none";
      if (!target) return;
      if (leads) [target, seenElement(lesson.see)].forEach((each) => bringIntoRoom(each, card));
      placeFrame(frame, target.getBoundingClientRect());
    },
    stop() {
      card = null;
      measure();
      observer.disconnect();
      frame.remove();
    },
  };
}

function seenElement(selector) {
  const element = selector && document.querySelector(selector);
  return element && element.offsetParent !== null ? element : null;
}

function placeFrame(frame, { left, top, width, height }) {
  frame.style.left = `${left - RIM}px`;
  frame.style.top = `${top - RIM}px`;
  frame.style.width = `${width + 2 * RIM}px`;
  frame.style.height = `${height + 2 * RIM}px`;
}

// What is too high or too wide for the room is shown from its beginning.
function bringIntoRoom(element, card) {
  if (!element) return;
  const { top, bottom, left, right } = element.getBoundingClientRect();
  const end = innerHeight - (card?.offsetHeight ?? 0) - AIR;
  const tooLow = Math.min(Math.max(bottom - end, 0), top - AIR);
  const move = top < AIR ? top - AIR : tooLow;
  if (Math.abs(move) > 1) scrollerOf(element, "Y").scrollBy(0, move);
  const row = scrollerOf(element, "X");
  const sides = row?.getBoundingClientRect();
  if (row && (left < sides.left || right > sides.right)) row.scrollBy(left - sides.left - AIR, 0);
}

// What holds the element and is pushed along an axis, "X" or "Y"; across, perhaps nothing is.
function scrollerOf(element, axis) {
  const side = axis === "X" ? "Width" : "Height";
  for (let each = element.parentElement; each; each = each.parentElement) {
    const overflow = getComputedStyle(each)[`overflow${axis}`];
    if (/auto|scroll/.test(overflow) && each[`scroll${side}`] > each[`client${side}`]) return each;
  }
  return axis === "X" ? null : document.scrollingElement;
}
