"""Many files: in order, in full batches, whatever some of them are like."""

import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_transformer import load_transformer
from mnist_transformer.bulk import find_files, read_files, share_of
from mnist_transformer.bulk.read import _read
from mnist_transformer.bulk.workers import Workers
from mnist_transformer.config import TRANSFORMER_CONFIG
from mnist_transformer.ink import InkError
from mnist_transformer.ink.prepare import prepare_page
from mnist_transformer.reading import SURE
from tests import ROOT

EXAMPLES = sorted((ROOT / "demo" / "examples").glob("*.png"))
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def shipped():
    return load_transformer()


@pytest.fixture
def files(tmp_path):
    """Some pictures, and between them what is none."""
    text = tmp_path / "text.png"
    text.write_text("no picture")
    blank = tmp_path / "blank.png"
    Image.new("L", (50, 50), 255).save(blank)
    return [str(path) for path in (*EXAMPLES, text, *EXAMPLES, tmp_path / "none.png", blank)]


@pytest.mark.parametrize("workers", [0, 2])
def test_files_come_back_in_order_and_read_as_alone(shipped, files, workers):
    threads = torch.get_num_threads()
    found = []
    for page in read_files(shipped, files, workers=workers):
        found.append(page)
        assert torch.get_num_threads() == threads  # of whoever reads, in between as afterwards
    assert [page.file for page in found] == files
    problems = {page.file.rsplit("/")[-1]: page.problem for page in found if page.problem}
    assert problems.keys() == {"text.png", "none.png"}
    assert "PNG" in problems["text.png"] and problems["none.png"] == "No such file or directory"
    alone = {str(path): shipped.read_page(path) for path in EXAMPLES}
    for page in found:
        if page.file in alone:
            expected = alone[page.file]
            assert page.page.digits == expected.digits and page.page.rows[0].box
            np.testing.assert_allclose(page.page.probabilities, expected.probabilities, atol=1e-4)
    assert found[-1].page.rows == [] and found[-1].page.reason


def test_the_model_reads_full_batches(shipped, batch_sizes):
    sure = next(path for path in EXAMPLES if shipped.read(path).certainty >= SURE)
    batch_sizes.clear()
    files = [str(sure)] * 20  # a canvas each
    assert len(list(read_files(shipped, files, workers=0, batch_size=6))) == 20
    assert batch_sizes == [6, 6, 6, 2]


def test_no_more_compute_at_once_than_there_are_workers(shipped, monkeypatch):
    running, most = [], []

    def counted(work):
        def run(*args):
            running.append(work)
            most.append(len(running))
            try:
                return work(*args)
            finally:
                running.remove(work)

        return run

    monkeypatch.setattr(Workers, "prepare", counted(Workers.prepare))
    monkeypatch.setattr("mnist_transformer.bulk.read._read", counted(_read))
    files = [str(path) for path in EXAMPLES] * 20
    pages = list(read_files(shipped, files, workers=2, batch_size=10))
    assert [page.page.digits for page in pages] == [path.stem for path in EXAMPLES] * 20
    assert max(most) <= 2


def test_a_document_of_many_pages_does_not_become_one_huge_batch(shipped, batch_sizes, tmp_path):
    page = Image.open(EXAMPLES[0]).convert("L").resize((160, 60))
    page.save(tmp_path / "book.tif", save_all=True, append_images=[page] * 9)
    found = list(read_files(shipped, [str(tmp_path / "book.tif")], workers=0, batch_size=2))
    assert [page.number for page in found] == list(range(1, 11))
    assert len({page.page.digits for page in found}) == 1
    # All that are not sure would have two looks more.
    assert batch_sizes[0] == max(batch_sizes) == 8 and sum(batch_sizes) in (10, 30)


def test_what_goes_wrong_unforeseen_costs_one_file(shipped, monkeypatch):
    calls = []

    def prepare(*_):
        calls.append(True)
        raise ZeroDivisionError("of a kind nobody thought of")

    monkeypatch.setattr("mnist_transformer.ink.worker.prepare_page", prepare)
    found = list(read_files(shipped, [str(path) for path in EXAMPLES], workers=0))
    assert len(calls) == len(found) == len(EXAMPLES)
    assert found[0].problem == "ZeroDivisionError: of a kind nobody thought of"


def test_a_page_that_cannot_be_read_costs_none_of_those_after_it(shipped, tmp_path, monkeypatch):
    first, second, third = (Image.open(path).convert("L") for path in EXAMPLES[:3])
    first.save(tmp_path / "pages.tif", save_all=True, append_images=[second, third])
    calls = []

    def prepare(picture, config):
        calls.append(picture)
        if len(calls) == 2:
            raise InkError("no digits")
        return prepare_page(picture, config)

    monkeypatch.setattr("mnist_transformer.ink.worker.prepare_page", prepare)
    pages = list(read_files(shipped, [str(tmp_path / "pages.tif")], workers=0))
    assert [(page.number, page.problem) for page in pages] == [(1, ""), (2, "no digits"), (3, "")]
    assert pages[2].page.digits == shipped.read_page(third).digits != ""


def test_memory_does_not_grow_with_the_number_of_files(tmp_path):
    """Many times the same name, of no picture, so that it takes no time."""
    script = (
        "import tracemalloc\n"
        "from mnist_transformer import load_transformer\n"
        "from mnist_transformer.bulk import read_files\n"
        "model = load_transformer()\n"
        "tracemalloc.start()\n"
        "for count in (500, 5_000):\n"
        "    tracemalloc.reset_peak()\n"
        "    done = sum(1 for _ in read_files(model, ['none.png'] * count, workers=1))\n"
        "    print(done, tracemalloc.get_traced_memory()[1])\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    (few, before), (many, after) = (map(int, line.split()) for line in run.stdout.splitlines())
    assert (few, many) == (500, 5_000), run.stderr
    # Bytes of Python's own, which are the same everywhere; 8 of them for each file's name.
    assert after - before < 500_000


def test_who_stops_half_way_leaves_nothing_running(shipped):
    threads = torch.get_num_threads() + 1
    torch.set_num_threads(threads)
    pages = read_files(shipped, [str(path) for path in EXAMPLES] * 20, workers=1, batch_size=5)
    assert next(pages).page.digits == EXAMPLES[0].stem
    assert multiprocessing.active_children()
    pages.close()
    assert not multiprocessing.active_children()
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == threads
    torch.set_num_threads(threads - 1)


def test_of_a_worker_that_is_ended_from_outside_one_is_told(shipped):
    pages = read_files(shipped, [str(path) for path in EXAMPLES] * 60, workers=1, batch_size=5)
    next(pages)
    (worker,) = multiprocessing.active_children()
    worker.kill()
    with pytest.raises(ChildProcessError, match="fewer workers"):
        list(pages)


def test_a_worker_that_is_ended_half_way_through_its_answer_is_not_waited_for():
    ours, theirs = multiprocessing.Pipe()
    _, never = multiprocessing.Pipe()  # its process has not been seen to end yet
    workers = Workers(0, TRANSFORMER_CONFIG)
    workers._idle.put((ours, never))
    os.write(theirs.fileno(), b"\0\0\1\0 the first of 256 bytes")
    theirs.close()
    with pytest.raises(ChildProcessError, match="fewer workers"):
        workers.prepare(["none.png"])


def test_a_worker_that_ended_before_it_took_its_pipe_is_not_waited_for():
    ours, theirs = multiprocessing.Pipe()
    ended, other = multiprocessing.Pipe()
    other.close()
    workers = Workers(0, TRANSFORMER_CONFIG)
    workers._idle.put((ours, ended))
    with pytest.raises(ChildProcessError, match="fewer workers"):
        workers.prepare(["none.png"])
    assert theirs.recv() == ["none.png"]


def test_workers_end_even_where_the_signal_to_do_so_is_ignored(shipped):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert len(list(read_files(shipped, [str(EXAMPLES[0])] * 20, workers=1))) == 20
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not multiprocessing.active_children()


def test_a_worker_knows_nothing_of_pytorch():
    script = "import sys, mnist_transformer.ink.worker; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, check=True)


def test_a_worker_ends_with_whoever_started_it_whatever_it_is_doing(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (900, 900), np.uint8))
    noise.save(tmp_path / "long.tif", save_all=True, append_images=[noise] * 99)
    script = tmp_path / "script.py"
    script.write_text(
        "import threading, time\n"
        "from mnist_transformer.bulk.workers import Workers\n"
        "from mnist_transformer.config import TRANSFORMER_CONFIG\n"
        "if __name__ == '__main__':\n"
        "    workers = Workers(2, TRANSFORMER_CONFIG)\n"
        "    files = ['long.tif'] * 100\n"
        "    threading.Thread(target=workers.prepare, args=(files,), daemon=True).start()\n"
        "    ((page,),) = workers.prepare(['none.png'])\n"
        "    print(page.problem, flush=True)\n"
        "    time.sleep(600)\n"
    )
    run = subprocess.Popen(
        [sys.executable, script],
        env=ENVIRONMENT,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout.readline() == "No such file or directory\n"
    run.kill()  # which leaves it no time to end its workers
    # They have the same output, which is at its end when nobody holds it any more.
    assert run.communicate(timeout=60) == ("", None)


def test_without_a_standard_input_it_is_said_and_the_other_files_are_read(shipped, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    piped, other = read_files(shipped, ["-", str(EXAMPLES[0])], workers=0)
    assert piped.page is None and "no standard input" in piped.problem
    assert other.page.digits == EXAMPLES[0].stem


def test_what_is_named_is_found_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b/2.png", "b/10.PNG", "b/a/1.jpg", "c/text.txt", "[odd].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"")
    inside = [os.path.join("b", name) for name in ("10.PNG", "2.png", os.path.join("a", "1.jpg"))]
    found = list(find_files(["x.png", "b", "c", "-", "b/*.png", "[odd].png", "*.gif"]))
    assert found == ["x.png", *inside, "c", "-", os.path.join("b", "2.png"), "[odd].png", "*.gif"]


def test_several_processes_share_the_files(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        shares.append(share_of(list("abcdefgh")))
    assert sorted(sum(shares, [])) == list("abcdefgh")
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_file_that_cannot_be_read_does_not_end_the_other_processes(tmp_path):
    files = []
    for n in range(60):  # every second file is the second process's
        bad = tmp_path / f"{n}.png"
        bad.write_text("no picture")
        files += [str(bad), str(EXAMPLES[1])]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = subprocess.run(
        [*torchrun, "-m", "mnist_transformer", "read", "--workers=0", *files],
        env=ENVIRONMENT | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1 and "0.png: not a readable image" in run.stderr
    assert run.stdout.count(f"{EXAMPLES[1]}: {EXAMPLES[1].stem}") == 60
