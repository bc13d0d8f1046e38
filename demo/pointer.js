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
      const target = seenElement(lesson?.point);
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

// What is too high for the room is shown from its beginning.
function bringIntoRoom(element, card) {
  if (!element) return;
  const { top, bottom } = element.getBoundingClientRect();
  const end = innerHeight - (card?.offsetHeight ?? 0) - AIR;
  const tooLow = Math.min(Math.max(bottom - end, 0), top - AIR);
  const move = top < AIR ? top - AIR : tooLow;
  if (Math.abs(move) > 1) scrollerOf(element).scrollBy(0, move);
}

function scrollerOf(element) {
  for (let each = element.parentElement; each; each = each.parentElement) {
    const { overflowY } = getComputedStyle(each);
    if (/auto|scroll/.test(overflowY) && each.scrollHeight > each.clientHeight) return each;
  }
  return document.scrollingElement;
}
