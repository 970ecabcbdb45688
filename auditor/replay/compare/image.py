"""Do two images show the same? Pixel by pixel, exactly; metadata (times, programs, colour of the file) is left aside. Read by Pillow."""

from __future__ import annotations

from typing import Any

from auditor.replay.compare.content import Content, NotComparable
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger

PIXELS = 100_000_000
"""Of one image: beyond that it is more likely a bomb than a figure."""
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P5\n", b"P6\n", b"P4\n")


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Raises NotComparable without Pillow, and for what it does not read."""
    try:
        from PIL import Image, ImageChops
    except ImportError:
        raise NotComparable("Pillow is not installed: pip install 'run-auditor[images]' to compare pixels") from None
    with expected.open() as a, actual.open() as b:
        one, other = _open(Image, a), _open(Image, b)
        for name, x, y in (
            ("size", one.size, other.size),
            ("mode", one.mode, other.mode),
            ("frames", _frames(one), _frames(other)),
        ):
            if x != y:
                ledger.shape(name, str(x), str(y))
                return
        for frame in range(_frames(one)):
            one.seek(frame)
            other.seek(frame)
            _pixels(ImageChops, f"frame {frame}, " if _frames(one) > 1 else "", one, other, ledger)
    ledger.note("left aside: the image's metadata")


def _pixels(chops: Any, place: str, a: Any, b: Any, ledger: Ledger) -> None:
    x, y = (i.convert("RGBA") for i in (a, b))
    difference = chops.difference(x, y)
    box = difference.getbbox(alpha_only=False)
    if box is None:
        ledger.same += x.width * x.height
        return
    changed = sum(n for n, colour in (difference.getcolors(PIXELS) or [(0, None)]) if colour != (0, 0, 0, 0))
    most = max(high for low, high in difference.getextrema())
    ledger.differs(
        f"{place}pixels {box[0]},{box[1]} to {box[2] - 1},{box[3] - 1}",
        "as they were",
        f"{changed} other ones of {x.width * x.height}, by up to {most} of 255",
    )


def _open(image: Any, file: Any) -> Any:
    try:
        opened = image.open(file, formats=_FORMATS)
    except (OSError, ValueError, image.DecompressionBombError) as error:
        raise NotComparable(f"not read as an image: {str(error)[:100]}") from None
    if opened.width * opened.height > PIXELS:
        raise NotComparable(f"more than {PIXELS} pixels")
    return opened


def _frames(opened: Any) -> int:
    return min(getattr(opened, "n_frames", 1), 1000)


def _knows(head: bytes) -> bool:
    return head.startswith(_MAGIC) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")


COMPARATOR = Comparator("image", ("png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp", "ppm", "pgm"), compare, _knows)
