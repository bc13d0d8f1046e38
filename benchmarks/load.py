"""One page for many people: sessions without a browser, through Streamlit's own protocol.

Every session opens a drawing of its own by its link, then clicks through the examples in an order
of its own, with a person's pauses. Every reading that comes back must be its own. With `--train`
each starts a training run of its own first, and watches it: two run at once, the others wait.

A crowd takes about as long as one person: the readings times the pause.
"""

import argparse
import asyncio
import random
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

from benchmarks.timing import machine
from demo import link
from mnist_transformer import load_transformer
from mnist_transformer.ink.brush import BRUSH, SHEET
from tests import ROOT
from tests.chromium import serve
from tests.pen import strokes

EXAMPLES = sorted(path.stem for path in (ROOT / "demo" / "examples").glob("*.png"))
DIGITS = re.compile(r'^{"digits": "(\d+)"')  # of the stage


@dataclass
class Outcome:
    seconds: list[float] = field(default_factory=list)
    foreign: int = 0  # readings that were neither the one asked for nor the one before


def drawing(number: int) -> list[dict]:
    """A drawing that no other session has, as the canvas gives its strokes."""
    drawn = []
    for stroke in strokes(f"{number:03}", 50 + number, 35, 115):
        xs, ys = zip(*stroke, strict=True)
        path = [["M", *stroke[0]], *(["L", *point] for point in stroke[1:])]
        middle = {"left": (min(xs) + max(xs)) / 2, "top": (min(ys) + max(ys)) / 2}
        turn = {"scaleX": 1, "scaleY": 1, "angle": 0, "strokeWidth": BRUSH}
        drawn.append({"path": path, **middle, **turn})
    return drawn


async def visit(
    address: str,
    number: int,
    own: str,
    readings: int,
    pause: float,
    seen: Callable[[], None],
    trains: bool = False,
) -> Outcome:
    """One person: `readings` readings, the first of a drawing of his own that reads `own`.

    `seen` is called after each. Who `trains` has the section for it open all the while.
    """
    chance = random.Random(number)
    outcome = Outcome()
    buttons: dict[str, str] = {}
    watched: dict[str, float] = {}  # the page's fragments that are drawn anew every so many seconds

    async def answers():
        """What the server says until a run of the page is done."""
        while True:
            answer = ForwardMsg.FromString(await socket.recv())
            element = answer.delta.new_element
            if element.WhichOneof("type") == "button":
                buttons[element.button.label] = element.button.id
            if answer.WhichOneof("type") == "auto_rerun":
                watched[answer.auto_rerun.fragment_id] = answer.auto_rerun.interval
            yield answer
            ended = answer.WhichOneof("type") == "script_finished"
            # A page that begins anew by itself is not done yet.
            if ended and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return

    async def watch(seconds: float) -> None:
        """Let time pass, and as a browser does have drawn anew what is watched."""
        end = time.monotonic() + seconds
        while watched and time.monotonic() + 1 < end:
            await asyncio.sleep(1)
            message = BackMsg()
            message.rerun_script.query_string = query
            message.rerun_script.fragment_id = next(iter(watched))
            watched.clear()
            await socket.send(message.SerializeToString())
            async for _ in answers():
                pass
        await asyncio.sleep(max(0, end - time.monotonic()))

    async def ask(expected: str, before: str, **state) -> None:
        message = BackMsg()
        message.rerun_script.query_string = query
        if "click" in state:
            widget = WidgetState(id=buttons[state["click"]], trigger_value=True)
            message.rerun_script.widget_states.widgets.append(widget)
        asked = time.perf_counter()
        await socket.send(message.SerializeToString())
        shown = False
        watched.clear()
        async for answer in answers():
            for digits in DIGITS.findall(answer.delta.new_element.bidi_component.json):
                if digits == expected and not shown:
                    shown = True
                    outcome.seconds.append(time.perf_counter() - asked)
                outcome.foreign += digits not in (expected, before)
        if not shown:
            raise RuntimeError(f"session {number} never saw {expected}")
        seen()

    query = f"drawing={link.encode(drawing(number), SHEET)}"
    query += "&only=sheet,stage,machine,train" if trains else ""
    url = address.replace("http", "ws") + "/_stcore/stream"
    async with connect(url, subprotocols=["streamlit"], max_size=None) as socket:
        await ask(own, "")
        before = own
        if trains:
            await ask(own, "", click="Start")
        query = ""  # an example is no drawing of the address
        query += "only=sheet,stage,machine,train" if trains else ""
        for _ in range(readings - 1):
            await watch(chance.uniform(0, 2 * pause))
            example = chance.choice([name for name in EXAMPLES if name != before])
            await ask(example, before, click=example)
            before = example
    return outcome


def server_on(port: str) -> Path:
    """Where the system tells of the server on `port`."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"--server.port={port}".encode() in (process / "cmdline").read_bytes():
                return process
        except OSError:
            continue
    raise RuntimeError(f"no server on port {port}")


def held_by(server: Path) -> tuple[float, int]:
    """The megabytes that a server holds, and its threads."""
    status = (server / "status").read_text()
    held, threads = (
        int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("VmRSS", "Threads")
    )
    return held / 1000, threads


async def crowd(
    address: str,
    people: int,
    readings: int,
    pause: float,
    seen: Callable[[], None] = lambda: None,
    train: bool = False,
) -> list[Outcome]:
    """All of them at once, each with a run of his own if they `train`; `seen` is called after
    every reading."""
    model = load_transformer()
    # What each will see of his own drawing: the model's reading, be it right or not.
    own = [model.read(link.picture(drawing(n), SHEET)).digits for n in range(people)]
    visits = (visit(address, n, own[n], readings, pause, seen, train) for n in range(people))
    return await asyncio.gather(*visits)


def main(arguments: list[str]) -> None:
    """Print what each crowd met with, one after the other on one server."""
    parser = argparse.ArgumentParser("python -m benchmarks load", description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[20, 50], help="in each crowd")
    parser.add_argument("--readings", type=int, default=12, help="of each person")
    parser.add_argument("--pause", type=float, default=5.0, help="seconds, on average")
    parser.add_argument("--train", action="store_true", help="each begins a run of his own first")
    options = parser.parse_args(arguments)
    log = Path(tempfile.mkdtemp()) / "log"
    print(f"{machine()}, pauses of {options.pause:g} s on average", end="")
    with serve(log) as address:
        server = server_on(address.rsplit(":", 1)[1])
        asyncio.run(crowd(address, 1, 3, 0))  # imports and loads what a server has loaded
        print(f"; the server holds {held_by(server)[0]:.0f} MB with its first visitor\n")
        print(
            f"| people{', each with a run' if options.train else ''} | readings | median "
            "| 99th percentile | first, all at one moment | others' drawings seen "
            "| memory after a fifth, half, all; at most | threads |"
        )
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for people in options.people:
            print(one_crowd(address, server, people, options), flush=True)
    for word in ("Traceback", "Error"):
        if word in log.read_text():
            raise RuntimeError(log.read_text())


def one_crowd(address: str, server: Path, people: int, options: argparse.Namespace) -> str:
    """The row of the table for so many people."""
    held: list[tuple[float, int]] = []
    outcomes = asyncio.run(
        crowd(
            address,
            people,
            options.readings,
            options.pause,
            lambda: held.append(held_by(server)),
            options.train,
        )
    )
    first = [outcome.seconds[0] for outcome in outcomes]
    later = [s for outcome in outcomes for s in outcome.seconds[1:]]
    memory = [megabytes for megabytes, _ in held]
    marks = [memory[len(held) // 5], memory[len(held) // 2], memory[-1]]
    return (
        f"| {people} | {len(held)} | {statistics.median(later) * 1000:.0f} ms "
        f"| {statistics.quantiles(later, n=100)[98] * 1000:.0f} ms "
        f"| up to {max(first):.1f} s "
        f"| {sum(outcome.foreign for outcome in outcomes)} "
        f"| {', '.join(f'{mark:.0f}' for mark in marks)}; {max(memory):.0f} MB "
        f"| {max(threads for _, threads in held)} |"
    )
