"""The course: short lessons, each with a task that the page notices when it is done.

Eight are for whoever has never seen a Transformer; those after them take an answer apart. A lesson
points at one thing on the page. Its task is done on the visitor's own drawing; some are seen in the
browser (`watch`: which step, head, part or patch is chosen, what is shown), the others here
(`done`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mnist_transformer import Reading


@dataclass(frozen=True)
class Seen:
    """What the page shows while a lesson runs.

    Attributes:
        reading: by the whole machine.
        changed: by the machine as the visitor has changed it.
        strokes: how many the visitor has drawn; 0 for an example.
        off: the names of what is switched off.
        trained: whether a model of the visitor's own has learnt something.
        read_before: what was read since the lesson began, oldest first.
    """

    reading: Reading
    changed: Reading
    strokes: int = 0
    off: Sequence[str] = ()
    trained: bool = False
    read_before: Sequence[str] = ()

    @property
    def reads_otherwise(self) -> bool:
        """Whether what was changed in the machine changed what it reads."""
        return self.changed.digits != self.reading.digits


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        title: in a few words.
        text: what is to be understood, a few sentences.
        task: what is to be done.
        praise: what doing it showed.
        point: a CSS selector of what is outlined.
        see: the same of what must be in sight: more than that, or the part of it that matters where
            there is no room for all; None if that is all.
        section: the one that is opened, by its title.
        part: the part of the machine that is opened.
        way: the way of taking an answer apart that is opened.
        watch: what must be chosen in the browser: "step" (the name of a token, or "last"), "steps"
            (how many different ones), "head" and "part" (how their names begin), "patch" (any);
            or what the page must show, "shown" (a CSS selector).
        done: whether the task is done, by what the page shows.
    """

    title: str
    text: str
    task: str
    praise: str
    point: str
    see: str | None = None
    section: str | None = None
    part: str | None = None
    way: str | None = None
    watch: dict = field(default_factory=dict)
    done: Callable[[Seen], bool] | None = None


def wrote_two_digits(seen: Seen) -> bool:
    """Whether the visitor's own drawing is read as two digits or more."""
    return seen.strokes > 0 and len(seen.reading.digits) >= 2


def took_the_bar_away(seen: Seen) -> bool:
    """Whether one digit that was a 7 has become a 1."""
    now = seen.reading.digits
    return seen.strokes > 0 and any(
        len(before) == len(now)
        and [pair for pair in zip(before, now, strict=True) if pair[0] != pair[1]] == [("7", "1")]
        for before in seen.read_before
    )


def found_the_layer(seen: Seen) -> bool:
    """Whether one layer of the decoder is off, alone, and the reading breaks without it."""
    alone = len(seen.off) == 1 and "head" not in seen.off[0]
    return alone and seen.off[0].startswith("decoder") and seen.reads_otherwise


def wore_the_heads_out(seen: Seen) -> bool:
    """Whether several heads are off, nothing else, and the reading breaks without them."""
    heads = [name for name in seen.off if "head" in name]
    return len(seen.off) == len(heads) >= 2 and seen.reads_otherwise


LESSONS = [
    Lesson(
        title="It reads what you write",
        text="This machine learnt to read from pictures of digits with their names, and from "
        "nothing else: nobody told it what a loop or a bar is. It has never seen your hand.",
        task="Write two digits or more on the sheet.",
        praise="Read as soon as you lifted the pen. The bar under each digit says how sure the "
        "machine is of it.",
        point=".st-key-sheet",
        see=".st-key-tools",
        done=wrote_two_digits,
    ),
    Lesson(
        title="One digit, then the next",
        text="It does not read the line at one glance. It names one digit, takes that digit as a "
        "new beginning, and asks itself what comes next. Each such round is a step, and each step "
        "has a tile under the drawing. The last step says that the line ends.",
        task="Go to the last step: press Play, or choose the tile “end”.",
        praise="Who told it to stop? It learnt that, too: “end” is an answer like any digit.",
        point=".mnist-tiles",
        see=".mnist-grid",
        watch={"step": "last"},
    ),
    Lesson(
        title="Where it looks",
        text="At every step the machine looks back into your drawing. This is called attention: "
        "orange marks the places it takes its answer from. It looks several times at once, each "
        "time in another way; one such way is a head.",
        task="Choose one head of “cross 2” under the drawing, and look at two different steps.",
        praise="One head, another step, another place: it moves along your line as a finger would.",
        point=".mnist-stage select",
        see=".mnist-grid",
        watch={"head": "cross 2", "steps": 2},
    ),
    Lesson(
        title="One stroke makes the difference",
        text="A single stroke can turn one digit into another, for us and for the machine. What "
        "matters to it is what it has seen so often: a slanted line alone, or one with a bar.",
        task="Write a 1. Add a bar at its top, so that it reads 7. Then rub the bar out with Undo, "
        "until it reads 1 again.",
        praise="The same line, without its bar: a 1. You changed one thing and saw what it did; "
        "that is how one finds out what a machine goes by.",
        point=".st-key-sheet",
        see=".st-key-tools",
        done=took_the_bar_away,
    ),
    Lesson(
        title="The drawing becomes patches",
        text="Before anything is read, your drawing is cut into small squares, the patches. In the "
        "encoder every patch looks at all the others: a bit of a curve finds out whether it is "
        "part of a 2 or of a 6.",
        task="Open “encoder 2” in the machine, and choose a patch of one of your digits.",
        praise="The patches of one digit look at one another. What they find out together is kept "
        "in the memory, where the decoder will look it up.",
        point=".mnist-strip",
        part="encoder 2",
        watch={"part": "encoder", "patch": True},
    ),
    Lesson(
        title="Knowing where to read next",
        text="The decoder has layers that work one after another, each on what the one before "
        "found out. One of them finds the place where the next digit stands. Here you can take the "
        "machine apart: what you click is switched off.",
        task="Find the layer of the decoder without which it loses its place. Switch off one "
        "“whole layer” at a time, in the last column.",
        praise="Without it, digits come out of order, twice or not at all: it can still tell "
        "digits, but no longer where it is.",
        point=".mnist-matrix",
        see='.mnist-matrix [data-part="decoder 2"]',
        section="Intervene",
        done=found_the_layer,
    ),
    Lesson(
        title="Heads stand in for one another",
        text="Switch one head off, and often nothing happens. That does not mean that it does "
        "nothing: others do the same work, and stand in for it.",
        task="Press Reset. Then switch off single heads of “cross 1”, one after another, until the "
        "reading breaks.",
        praise="Together they were needed, though no single one was. And with all of "
        "cross-attention off? Then its eyes are shut: try it, with any drawing.",
        point=".mnist-matrix",
        see='.mnist-matrix [data-part="cross 1, head 1"]',
        section="Intervene",
        done=wore_the_heads_out,
    ),
    Lesson(
        title="It had to learn this",
        text="All of this began with random numbers. Shown a drawing, the machine guessed, was "
        "told what was right, and each of its 800,000 numbers was turned a little. And again, some "
        "thousand times.",
        task="Start a training run of your own, watch the loss fall, and stop it when you like.",
        praise="Your model reads your drawing, beside the one that learnt for longer. Give it more "
        "drawings, and it gets better.",
        point='[data-testid="stForm"]',
        section="Train your own",
        done=lambda seen: seen.trained,
    ),
    Lesson(
        title="An answer is a sum",
        text="Why this digit, and not another? The answer's score is nothing but a sum: every "
        "square of your drawing and every part of the machine adds its amount, or takes some away. "
        "The receipt lists them all, down to the total.",
        task="Click a line “cross …, head …” of the receipt, then the square that added most "
        "to it.",
        praise="No other bit of ink did so much for this answer through this head. Below stand "
        "the numbers that its amount was multiplied from.",
        point=".mnist-ledger",
        section="Take it apart",
        way="The receipt",
        watch={"shown": '[data-square="largest"]'},
    ),
    Lesson(
        title="Take it by the hand",
        text="You can say where the machine is to look. It has two layers that look at your "
        "drawing: one finds the place of the next digit, the other reads what stands there.",
        task="Choose a digit above, and paint over another one, with only one of “cross 1” and "
        "“cross 2” on. Find the layer that then reads what you paint.",
        praise="It is cross 2 that reads whatever it is pointed at. To point cross 1 somewhere "
        "changes almost nothing: cross 2 looks for itself again.",
        point=".mnist-gaze",
        section="Take it apart",
        way="Paint the gaze",
        watch={"shown": '[data-looking="cross 2"][data-turned="True"]'},
    ),
    Lesson(
        title="A thought from another drawing",
        text="While it reads, the machine keeps numbers: of every square, in every head and layer. "
        "Some can be taken from its reading of a second drawing. Where the answer then flips, "
        "there the difference between the two was kept.",
        task="Click squares and bars with large numbers, one after another, until your drawing is "
        "read as another line.",
        praise="No ink was changed, only what the machine kept of it. Bars that say 100% carry the "
        "whole answer over at once; a single square carries a part of it.",
        point=".mnist-ledger",
        section="Take it apart",
        way="Swap a thought",
        watch={"shown": '[data-swapped][data-turned="True"]'},
    ),
    Lesson(
        title="While the pen moves",
        text="A digit is not there at once: on its way to a 9, a stroke may be a 1, a 7 and a 0. "
        "Here your drawing is read again after every few points of the pen.",
        task="Clear the sheet and write a 9 in one stroke. See what it was taken for on the way.",
        praise="Each piece has the colour of what would have been said there. The curves show when "
        "the machine changed its mind, and how sure it was.",
        point=".st-key-sheet",
        see=".st-key-tools",
        section="Take it apart",
        way="Pen time",
        watch={"shown": '[data-turns]:not([data-turns="0"])'},
    ),
    Lesson(
        title="The answer takes shape",
        text="Each part of the machine adds to what is known so far. One can ask after every part: "
        "what would you say now? At first it can only guess; somewhere on the way the right "
        "digit stands, and there it stays.",
        task="Under the machine stands what it “would say” after each part. Open the first part "
        "after which the digit is right.",
        praise="The first look at the drawing, cross 1, settles most digits. What comes after it "
        "makes them sure.",
        point=".mnist-strip",
        see='.mnist-strip [data-part="memory"]',
        part="answer",
        watch={"part": "decoder 1 cross"},
    ),
    Lesson(
        title="Heads have habits",
        text="One drawing can mislead: perhaps a head looks somewhere by chance. So all heads were "
        "watched on many lines. Some do one thing again and again, and can be named after it; "
        "others do now this, now that.",
        task="Among the heads that look back at tokens find the one whose habit is “the token "
        "before that”, and choose it below the table.",
        praise="It keeps in mind what was read two steps ago. Others look at the last token: so "
        "the machine knows how far it has come.",
        point="[data-habits]",
        see=".st-key-habits-kind",
        section="Take it apart",
        way="Heads’ habits",
        watch={"shown": '[data-habit="the token before that"]'},
    ),
]
