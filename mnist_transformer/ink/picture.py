"""Pictures of any kind, as whole numbers of 8 bits: the values are read by type and true depth."""

import sys
from typing import TYPE_CHECKING, Union

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

if TYPE_CHECKING:
    from torch import Tensor

Drawing = Union[Image.Image, np.ndarray, "Tensor"]

MAX_PIXELS = 64_000_000
WORKING_SIZE = 2048  # longest side, in pixels, at which a large picture is examined
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners give a pixel
_OVERSHOOT = 0.1  # share by which floats may miss their range: resampling rings that far


class InkError(ValueError):
    """A drawing that cannot be read; the message says why and what to do."""


class BlankDrawing(InkError):
    """Nothing is drawn: the picture is one even colour."""


def check_size(height: int, width: int) -> None:
    """Refuse a picture of no pixels, or of more than `MAX_PIXELS`.

    Raises:
        InkError: if it is of such a size.
    """
    if height * width == 0:
        raise InkError(f"the drawing is empty: {height}x{width} pixels")
    if height * width > MAX_PIXELS:
        raise InkError(
            f"the drawing is too large: {height}x{width} pixels, at most {MAX_PIXELS:,} are read. "
            "Scale it down first."
        )


def to_pixels(drawing: Drawing) -> tuple[np.ndarray, float]:
    """A drawing's pixels, and how many of its own pixels one of them stands for.

    Returns:
        (height, width, channels) uint8, of 1 channel if the drawing is grey, else 3 or 4; and
        the factor, at least 1, by which it was shrunk to fit `WORKING_SIZE`.

    Raises:
        InkError, TypeError: as `drawing_to_canvas`.
    """
    torch = sys.modules.get("torch")  # without which there can be no tensor
    if torch is not None and isinstance(drawing, torch.Tensor):
        drawing = _to_array(drawing)
    reduction = 1
    if isinstance(drawing, Image.Image):
        check_size(drawing.height, drawing.width)
        drawing, reduction = _unpack(drawing)
    if not isinstance(drawing, np.ndarray):
        raise TypeError(
            f"a drawing is a PIL image, an array or a tensor, not {type(drawing).__name__}"
        )
    array = _check_shape(drawing)
    pixels = _to_bytes(array) if array.dtype != np.uint8 or array.max() <= 1 else array
    shrink = _shrink(*array.shape[:2])
    if shrink > 1:
        size = [max(1, round(side / shrink)) for side in pixels.shape[1::-1]]
        small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
        pixels = small.reshape(*small.shape[:2], -1)
    if pixels.shape[2] == 4 and pixels[..., 3].min() == 255:
        pixels = pixels[..., :3]
    if pixels.shape[2] == 3 and _is_grey(pixels[::16, ::16]) and _is_grey(pixels):
        pixels = pixels[..., :1]
    return pixels, reduction * shrink


def _shrink(height: int, width: int) -> float:
    """The factor, at least 1, by which a picture is shrunk to fit `WORKING_SIZE`."""
    shrink = max(1.0, max(height, width) / WORKING_SIZE)
    # Whole factors average three times as fast, and sharpness is not what is missing then.
    return float(np.ceil(shrink)) if shrink > 1.5 else shrink


def _to_array(drawing: "Tensor") -> np.ndarray:
    """A tensor of any type and on any device; NumPy has fewer types of floats."""
    drawing = drawing.detach()
    if drawing.is_floating_point() and drawing.element_size() < 4:
        drawing = drawing.float()
    try:
        return drawing.cpu().numpy()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise InkError(
            f"a {drawing.dtype} tensor with the layout {drawing.layout} on {drawing.device} is no "
            "picture: give a dense one of floats or whole numbers"
        ) from error


def _is_grey(pixels: np.ndarray) -> bool:
    """Whether all three channels are the same."""
    return all(np.array_equal(pixels[..., 0], pixels[..., other]) for other in (1, 2))


def upright(picture: Image.Image) -> Image.Image:
    """The picture turned as its camera was held; the same one, unpacked, where it was upright."""
    picture.load()
    if picture.getexif().get(ExifTags.Base.Orientation, 1) == 1:
        return picture
    return ImageOps.exif_transpose(picture)


def _unpack(picture: Image.Image) -> tuple[np.ndarray, int]:
    """The picture's own numbers if it is grey, else its colours; and by how much it was shrunk."""
    picture = upright(picture)
    factor = 1
    if picture.mode == "1":
        picture = picture.convert("L")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode != "L" and not picture.mode.startswith(("I", "F")):
        picture = picture.convert("RGB")
        # A photograph is shrunk in a third of the time in which it becomes an array.
        factor = int(_shrink(*picture.size))
        picture = picture.reduce(factor) if factor > 1 else picture
    return np.asarray(picture), factor


def _check_shape(array: np.ndarray) -> np.ndarray:
    """The array as (height, width, channels), if it can be a picture."""
    shape = array.shape
    if array.ndim == 3 and shape[0] == 1:
        array = array[0]
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise InkError(
            f"a drawing has the shape (height, width), (1, height, width) or (height, width, 1, 3 "
            f"or 4), not {shape}"
        )
    check_size(*array.shape[:2])
    return array


def _to_bytes(array: np.ndarray) -> np.ndarray:
    """Any numbers as 0 to 255, by what their type and range can mean."""
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise InkError(f"a drawing holds numbers, not {array.dtype}")
    if not np.isfinite(array).all():
        raise InkError(
            "the drawing holds NaN or infinite values: replace them by the paper's value"
        )
    low, high = float(array.min()), float(array.max())
    top = _full_light(high, np.issubdtype(array.dtype, np.floating))
    slack = _OVERSHOOT * top if np.issubdtype(array.dtype, np.floating) else 0
    if low < -slack or high > top + slack:
        raise InkError(f"values must lie in 0-1, 0-255 or 0-65535, not {low:g} to {high:g}")
    scaled = array.astype(np.float32) * np.float32(255 / top)
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _full_light(high: float, is_float: bool) -> float:
    """The value that stands for full light, where `high` is the greatest that occurs.

    Floats are shares of 1 or of 255. Whole numbers fill the smallest depth that holds them, so that
    12 bits of grey in a file of 16 do not look black; a mask holds 0 and 1.

    Raises:
        InkError: if `high` fits no scale.
    """
    if high <= (1 + _OVERSHOOT if is_float else 1):
        return 1.0
    if high < 16:
        raise InkError(
            f"values up to {high:g} fit no scale: give floats from 0 to 1, or whole numbers of 8 "
            "to 16 bits"
        )
    if is_float and high <= 255 * (1 + _OVERSHOOT):
        return 255.0
    return float(next((2**depth - 1 for depth in DEPTHS if high < 2**depth), 65535))
