from __future__ import annotations

import pytest

from care.domain.medium import LARGEST, PICTURES, media_type, without_place
from tests.services.media_files import OWNER, PLACE, box, film, moving, photo, png_with_remarks


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (photo(), "image/jpeg"),
        (photo(kind="WEBP"), "image/webp"),
        (png_with_remarks(), "image/png"),
        (moving(), "image/gif"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"#!AMR\n<", "audio/amr"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (film(), "video/mp4"),
        (film(b"3gp5"), "video/3gpp"),
        (film(b"M4A "), "audio/mp4"),
        (film(b"qt  "), "video/quicktime"),
        (film(b"heic"), "image/heic"),
        (b"<!doctype html><script>", ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", ""),
        (b"MZ\x90\x00", ""),
        (b"PK\x03\x04", ""),
        (b"\xff", ""),
        (b"", ""),
    ],
)
def test_what_bytes_are_is_read_from_them(content: bytes, kind: str):
    assert media_type(content) == kind


def test_what_a_browser_could_run_is_never_kept():
    assert not {"text/html", "image/svg+xml", "application/zip", "image/heic", "video/quicktime", ""} & set(LARGEST)
    assert set(LARGEST) >= PICTURES


def test_a_film_loses_its_place_and_nothing_moves_in_it():
    whole = film()
    clean = without_place(whole)
    assert PLACE.encode() in whole
    assert PLACE.encode() not in clean
    assert OWNER.encode() not in clean
    assert len(clean) == len(whole)
    assert clean.endswith(box(b"mdat", b"sound and picture"))
    assert clean.count(b"free") == 3
    assert media_type(clean) == "video/mp4"


def test_a_box_of_sixty_four_bits_and_one_without_a_size_are_read():
    remark = PLACE.encode()
    long = (1).to_bytes(4) + b"udta" + (16 + len(remark)).to_bytes(8) + remark
    last = bytes(4) + b"uuid" + remark
    clean = without_place(box(b"ftyp", b"isom") + box(b"moov", long) + last)
    assert remark not in clean


@pytest.mark.parametrize("torn", [film()[:-3], film()[:40], box(b"ftyp", b"isom") + b"\x00\x00\x00\x03moov", b"abc"])
def test_a_file_whose_boxes_do_not_fit_is_no_film(torn: bytes):
    with pytest.raises(ValueError, match="do not fit"):
        without_place(torn)
