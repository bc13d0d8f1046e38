// Tells the server which moment of which run is wanted: one wish at a time, the newest, so that a
// pointer that runs over fifty moments asks for as many as the page can show and no more.
//
//   const mover = makeMover()
//   mover.tell = (wish) => …     who is told
//   mover.want({run, step})      asks at once, or as soon as the last answer has come
//   mover.rest({run, step})      asks when nothing else was wanted for a moment
//   mover.arrived()              an answer has come

const PATIENCE = 3000; // milliseconds after which an answer is no longer waited for
const REST = 150;

function makeMover() {
  let wish = null;
  let isAsking = false;
  let patience = null;
  let rest = null;
  let told = "";

  function send() {
    if (isAsking || wish === null) return;
    const asked = wish;
    wish = null;
    isAsking = true;
    told = JSON.stringify(asked);
    clearTimeout(patience);
    patience = setTimeout(mover.arrived, PATIENCE);
    mover.tell(asked);
  }

  const mover = {
    tell: () => {},
    want(asked) {
      clearTimeout(rest);
      if (isAsking ? JSON.stringify(asked) === told : false) return;
      wish = asked;
      send();
    },
    rest(asked) {
      clearTimeout(rest);
      rest = setTimeout(() => mover.want(asked), REST);
    },
    cancel() {
      clearTimeout(rest);
    },
    arrived() {
      clearTimeout(patience);
      isAsking = false;
      send();
    },
  };
  return mover;
}
