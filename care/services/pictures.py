"""Pictures drawn anew: what is kept is points of colour and nothing that came along with them."""

from __future__ import annotations

import io
import warnings
from typing import NamedTuple

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from care.errors import Invalid

# More are refused before they are unfolded: a few bytes may hold a wall of one colour. A JPEG is unfolded no larger
# than it is kept; of any other kind each point takes some twenty bytes of a process that pages nurses too.
MOST_POINTS, MOST_UNFOLDED = 50_000_000, 16_000_000
LONGEST_SIDE = 3_000  # what a nurse can see of a wound on a screen; larger ones are drawn smaller
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITY = 90


class Picture(NamedTuple):
    """A picture as it is kept."""

    content: bytes
    content_type: str


def draw_anew(content: bytes) -> Picture:
    """The picture alone: upright, without position, camera, date, thumbnail or remarks; of moving ones the first.

    JPEG for what is opaque, PNG for what is not or was drawn (PNG, GIF). Colours become sRGB. Raises Invalid:
    "too-many-points", "broken" for what cannot be drawn.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
                return _drawn(opened)
    except Image.DecompressionBombError:
        raise Invalid("too-many-points", "this picture is too large to be drawn") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError):
        raise Invalid("broken", "this picture cannot be drawn") from None


def _drawn(opened: Image.Image) -> Picture:
    if opened.width * opened.height > (MOST_POINTS if opened.format == "JPEG" else MOST_UNFOLDED):
        raise Invalid("too-many-points", "this picture is too large to be drawn")
    drawn = opened.format in ("PNG", "GIF")
    opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is unfolded no larger than it is needed
    see_through = opened.has_transparency_data
    ImageOps.exif_transpose(opened, in_place=True)
    points = _standard(opened, "RGBA" if see_through else "RGB")
    points.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clean = Image.new(points.mode, points.size)  # takes the points and leaves whatever else the file brought
    clean.paste(points)
    out = io.BytesIO()
    if see_through or drawn:
        clean.save(out, "PNG", optimize=False)
        return Picture(out.getvalue(), "image/png")
    clean.save(out, "JPEG", quality=_QUALITY)
    return Picture(out.getvalue(), "image/jpeg")


def _standard(picture: Image.Image, mode: str) -> Image.Image:
    """The picture in sRGB, which every screen assumes: the colour of a wound is a finding."""
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "CMYK") and mode == "RGB":
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            found = None
        if found is not None:
            return found
    return picture.convert(mode)
