"""From what is named in the shell to the files that are meant."""

import glob
import os
from collections.abc import Iterable, Iterator

from ..ink.files import SUFFIXES


def find_files(names: Iterable[str]) -> Iterator[str]:
    """The files that are meant, in the order in which they are named.

    A folder stands for the pictures in it and in its folders, in the order of their names, and a
    pattern such as `scans/*.png` or `**/*.tif`, which not every shell resolves, for what it fits.
    Whatever else is named comes back as it is, whether there is such a file or not, and so does a
    folder without pictures.
    """
    for name in names:
        found: Iterable[str] = ()
        if os.path.isdir(name):
            found = _pictures_in(name)
        elif glob.has_magic(name) and not os.path.exists(name):
            found = sorted(glob.glob(name, recursive=True))
        is_empty = True
        for file in found:
            is_empty = False
            yield file
        if is_empty:
            yield name


def _pictures_in(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() in SUFFIXES and not file.startswith("."):
                yield os.path.join(place, file)
