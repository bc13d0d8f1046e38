"""Live views of a reading: plain JavaScript and CSS, and beside them the Python of their data.

They know nothing of who shows them: the page, a notebook or a file that one keeps. All views of a
document follow one store (`follow.js`): which step, part, head and patch are chosen.
"""

from .files import read_source, standalone_html
from .packing import pack
from .stage import page_html, stage_data, stage_html

__all__ = ["pack", "page_html", "read_source", "stage_data", "stage_html", "standalone_html"]
