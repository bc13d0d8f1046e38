"""Plotly figures of a reading: every head's attention, laid over the drawing.

The page draws with these, and so can a notebook:
`cross_attention_figure(model.read(image, attention=True), step=0).show()`. All are drawn from
plain data, a `Reading`, arrays or the numbers of a run: no model is needed to draw.
"""

try:
    import plotly  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "figures are drawn by plotly, which comes with `pip install 'mnist-transformer[demo]'`",
        name=error.name,
    ) from error

from .cross_attention import cross_attention_figure, reading_order_figure, timeline_figure
from .decoder_attention import decoder_attention_figure
from .distribution import class_figure, distribution_figure, step_names
from .encoder_attention import encoder_attention_figure
from .habits import habits_figure
from .head import head_scores_figure, head_step_figure
from .lens import lens_figure
from .matrix import matrix_data
from .pen_time import pen_time_figure
from .receipt import receipt_figure
from .relevance import relevance_figure
from .style import data_url, drawing_image
from .swap import swap_figure
from .training_curves import curve_figure

__all__ = [
    "class_figure",
    "cross_attention_figure",
    "curve_figure",
    "data_url",
    "decoder_attention_figure",
    "distribution_figure",
    "drawing_image",
    "encoder_attention_figure",
    "habits_figure",
    "head_scores_figure",
    "head_step_figure",
    "lens_figure",
    "matrix_data",
    "pen_time_figure",
    "reading_order_figure",
    "receipt_figure",
    "relevance_figure",
    "step_names",
    "swap_figure",
    "timeline_figure",
]
