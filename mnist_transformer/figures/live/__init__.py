"""Live views of a reading: plain JavaScript and CSS, and beside them the Python of their data.

They know nothing of who shows them: the page, a notebook or a file that one keeps. All views of a
document follow one store (`follow.js`): which step, part, head and patch are chosen.
"""

from .details import part_data
from .files import read_source, standalone_html
from .machine import machine_data
from .packing import pack
from .stage import page_html, stage_data, stage_html

__all__ = [
    "machine_data",
    "pack",
    "page_html",
    "part_data",
    "read_source",
    "stage_data",
    "stage_html",
    "standalone_html",
]
