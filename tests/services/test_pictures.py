from __future__ import annotations

import io

import pytest
from PIL import Image

from care.errors import Invalid
from care.services.pictures import LONGEST_SIDE, draw_anew
from tests.services.media_files import BLUE, OWNER, PLACE, RED, bomb, moving, photo, png_with_remarks


def _open(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def _near(point: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(point, tuple)
    return all(abs(one - other) < 30 for one, other in zip(point[:3], colour, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_nothing_but_the_picture_is_left_of_a_photo(kind: str):
    whole = photo(kind=kind, xmp=f"<x>{OWNER}</x>".encode())
    before = _open(whole).getexif()
    assert before.get_ifd(0x8825)[27] == PLACE.encode()  # the photo has what must go
    content, content_type = draw_anew(whole)
    picture = _open(content)
    assert content_type == "image/jpeg"
    assert not picture.getexif()
    assert {"exif", "xmp", "icc_profile", "comment", "photoshop"} & set(picture.info) == set()
    assert PLACE.encode() not in content
    assert OWNER.encode() not in content


def test_words_in_a_png_are_gone_and_it_stays_see_through():
    content, content_type = draw_anew(png_with_remarks())
    assert content_type == "image/png"
    assert PLACE.encode() not in content
    assert OWNER.encode() not in content
    assert _open(content).getpixel((3, 3)) == (*RED, 120)


@pytest.mark.parametrize(("orientation", "top", "size"), [(1, RED, (64, 48)), (3, BLUE, (64, 48)), (6, None, (48, 64))])
def test_a_photo_stands_upright(orientation: int, top: tuple[int, int, int] | None, size: tuple[int, int]):
    picture = _open(draw_anew(photo(orientation=orientation)).content)
    assert picture.size == size
    if top:
        assert _near(picture.getpixel((32, 5)), top)
    else:  # turned clockwise: what was above is at the right
        assert _near(picture.getpixel((43, 30)), RED)
        assert _near(picture.getpixel((5, 30)), BLUE)


def test_of_a_moving_picture_the_first_is_kept():
    content, content_type = draw_anew(moving())
    picture = _open(content)
    assert (content_type, getattr(picture, "n_frames", 1)) == ("image/png", 1)
    assert _near(picture.convert("RGB").getpixel((8, 8)), RED)
    assert PLACE.encode() not in content


def test_a_large_photo_is_drawn_smaller():
    picture = _open(draw_anew(photo((LONGEST_SIDE + 1000, 400))).content)
    assert max(picture.size) == LONGEST_SIDE


def test_a_picture_that_is_small_to_send_and_large_to_unfold_is_refused_unless_it_is_a_photo():
    side = 4_500  # 20 million points
    with pytest.raises(Invalid) as refused:
        draw_anew(bomb(side))
    assert refused.value.code == "too-many-points"
    assert max(_open(draw_anew(photo((side, side))).content).size) == LONGEST_SIDE
    out = io.BytesIO()
    Image.new("1", (3_000, 5_000)).save(out, "PNG")  # a long screenshot
    assert _open(draw_anew(out.getvalue()).content).size == (1_800, 3_000)


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P", "I;16", "LA"])
def test_every_kind_of_points_can_be_shown(mode: str):
    out = io.BytesIO()
    picture = Image.new("L", (10, 10), 128).convert("RGB") if mode == "CMYK" else Image.new("L", (10, 10), 128)
    picture.convert(mode).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert _open(draw_anew(out.getvalue()).content).mode in ("RGB", "RGBA")


def test_a_bomb_is_refused_before_it_is_unfolded():
    assert len(bomb()) < 1000
    with pytest.raises(Invalid) as refused:
        draw_anew(bomb())
    assert refused.value.code == "too-many-points"
    with pytest.raises(Invalid) as refused:
        draw_anew(bomb(8_000))  # under the library's own limit and above ours
    assert refused.value.code == "too-many-points"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xd8\xff",
        photo()[:300],
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a\x01\x00",
        b"%!PS-Adobe-3.0 EPSF",
        moving()[:40],
    ],
    ids=["nothing", "start", "torn", "png", "gif", "postscript", "torn gif"],
)
def test_what_cannot_be_drawn_is_refused(content: bytes):
    with pytest.raises(Invalid):
        draw_anew(content)
