"""Pictures of pages: kept in ``images/``, and compared: letters may differ a little, cards may not.

Both pictures are made small by averages of 4 by 4 pixels: what one machine draws a little softer or a pixel
beside is gone then. What is left is a card that moved, a colour that changed, a column that is gone.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageChops

KEPT = Path(__file__).parent / "images"
STEP = 4
"""The side of the square of pixels that becomes one average."""
FAR = 40
"""Two averages differ when they are farther apart than this, of 255."""
FEW = 60
"""The most averages that may differ: two words, not a button."""
COLOURS = 48
"""The colours of a kept picture: enough for what we draw, at a fifth of the size."""


def keep(picture: Image.Image, path: Path) -> None:
    """Write a picture in few colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _plain(picture).save(path, optimize=True)


def difference(kept: Image.Image, now: Image.Image) -> tuple[int, Image.Image]:
    """Return how many averages of two pictures differ, and a picture of where."""
    if kept.size != now.size:
        return kept.size[0] * kept.size[1] // STEP**2, now
    apart = ImageChops.difference(_small(kept), _small(_plain(now)))
    bands = [band.point(lambda value: 255 * (value > FAR)) for band in apart.split()]
    where = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    return where.histogram()[255], where.resize(now.size, Image.Resampling.NEAREST)


def _plain(picture: Image.Image) -> Image.Image:
    return picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)


def _small(picture: Image.Image) -> Image.Image:
    return picture.convert("RGB").reduce(STEP)
