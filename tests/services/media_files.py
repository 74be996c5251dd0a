"""Pictures and files as phones make them, built here."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

PLACE = "22.3027N-of-a-test"
OWNER = "Demo Patient's phone"
RED, BLUE = (200, 20, 20), (20, 20, 200)


def photo(size: tuple[int, int] = (64, 48), orientation: int = 1, kind: str = "JPEG", **other: Any) -> bytes:
    """A photo, red above and blue below, with position, owner and orientation in its EXIF and a remark in XMP."""
    picture = Image.new("RGB", size, RED)
    picture.paste(BLUE, (0, size[1] // 2, size[0], size[1]))
    exif = picture.getexif()
    exif[0x0112] = orientation
    exif[0x013B] = OWNER
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (22.0, 18.0, 9.7), "E", (114.0, 10.0, 38.1)
    place[27] = PLACE.encode()
    out = io.BytesIO()
    picture.save(out, kind, exif=exif, **other)
    return out.getvalue()


def png_with_remarks(size: tuple[int, int] = (20, 20)) -> bytes:
    """A PNG with words in it."""
    remarks = PngInfo()
    remarks.add_text("Location", PLACE)
    remarks.add_itxt("XML:com.adobe.xmp", f"<x>{OWNER}</x>")
    out = io.BytesIO()
    Image.new("RGBA", size, (*RED, 120)).save(out, "PNG", pnginfo=remarks)
    return out.getvalue()


def moving(frames: int = 3) -> bytes:
    """A GIF whose first frame is red and whose others are blue."""
    out = io.BytesIO()
    first, rest = Image.new("RGB", (16, 16), RED), [Image.new("RGB", (16, 16), BLUE) for _ in range(frames - 1)]
    first.save(out, "GIF", save_all=True, append_images=rest, comment=PLACE.encode())
    return out.getvalue()


def bomb(side: int = 30_000) -> bytes:
    """A PNG of side x side points in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def box(kind: bytes, *inside: bytes) -> bytes:
    """A box of an MP4 file."""
    content = b"".join(inside)
    return struct.pack(">I", len(content) + 8) + kind + content


def film(brand: bytes = b"isom") -> bytes:
    """An MP4 whose boxes are those of a phone's film: the place stands in `udta` and in `meta`."""
    place = box(b"\xa9xyz", PLACE.encode())
    track = box(b"trak", box(b"tkhd", bytes(20)), box(b"udta", place))
    header = box(b"moov", box(b"mvhd", bytes(30)), track, box(b"meta", OWNER.encode()), box(b"udta", place))
    return box(b"ftyp", brand, bytes(4)) + header + box(b"mdat", b"sound and picture")
