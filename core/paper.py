"""Text on paper in three scripts: Helvetica for what is Latin, Adobe's CID fonts for Chinese, which readers bring."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import CIDEncoding, UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

LATIN, BOLD = "Helvetica", "Helvetica-Bold"
SIMPLIFIED, TRADITIONAL = "STSong-Light", "MSung-Light"
_CODECS = {SIMPLIFIED: "gb2312", TRADITIONAL: "big5"}
_ENCODINGS = {SIMPLIFIED: "UniGB-UCS2-H", TRADITIONAL: "UniCNS-UCS2-H"}
UNKNOWN = "?"


@cache
def ready() -> None:
    """The fonts are known to the library; none is carried in the file."""
    for name, encoding in _ENCODINGS.items():
        font = UnicodeCIDFont(name)
        # reportlab gives the traditional font the encoding of the simplified one, which readers then refuse
        font.encoding, font.encodingName = CIDEncoding(encoding), encoding
        pdfmetrics.registerFont(font)


def runs(words: str, language: str, bold: bool = False) -> Iterator[tuple[str, str]]:
    """(font, text) of the words in order: each character in a font that has it."""
    kept, font = "", ""
    for char in words:
        found, shown = _font(char, language, bold)
        if found != font and kept:
            yield font, kept
            kept = ""
        kept, font = kept + shown, found
    if kept:
        yield font, kept


def _font(char: str, language: str, bold: bool) -> tuple[str, str]:
    latin = BOLD if bold else LATIN
    if _has(char, "cp1252"):
        return latin, char if char.isprintable() else " "
    first, second = (TRADITIONAL, SIMPLIFIED) if language == "zh-Hant" else (SIMPLIFIED, TRADITIONAL)
    for font in (first, second):
        if _has(char, _CODECS[font]):
            return font, char
    return (first, char) if _has(char, "gbk") or _has(char, "big5hkscs") else (latin, UNKNOWN)


def _has(char: str, codec: str) -> bool:
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def width(words: str, size: float, language: str, bold: bool = False) -> float:
    """How wide the words are in points."""
    return sum(pdfmetrics.stringWidth(text, font, size) for font, text in runs(words, language, bold))


def fold(words: str, room: float, most: int, size: float, language: str, bold: bool = False) -> list[str]:
    """At most `most` lines that are no wider than `room`; what does not fit ends in an ellipsis."""
    lines, line = [], ""
    for piece in _pieces(" ".join(words.split())):
        if line and width(line + piece.rstrip(), size, language, bold) > room:
            lines.append(line.rstrip())
            line = ""
        line = line + piece if line or piece != " " else ""
        while width(line.rstrip(), size, language, bold) > room:  # one word that is wider than the page
            cut = _cut(line, room, size, language, bold)
            lines.append(line[:cut])
            line = line[cut:]
    lines += [line.rstrip()] if line.strip() else []
    if len(lines) <= most:
        return lines or [""]
    last = lines[most - 1]
    while last and width(last + "…", size, language, bold) > room:
        last = last[:-1]
    return [*lines[: most - 1], last.rstrip() + "…"]


def _pieces(words: str) -> Iterator[str]:
    """Where a line may end: after a blank, and beside every Chinese character."""
    kept = ""
    for char in words:
        if ord(char) >= 0x2E80:
            if kept:
                yield kept
            yield char
            kept = ""
        elif char == " ":
            yield kept + " "
            kept = ""
        else:
            kept += char
    if kept:
        yield kept


def _cut(line: str, room: float, size: float, language: str, bold: bool) -> int:
    count = len(line)
    while count > 1 and width(line[:count], size, language, bold) > room:
        count -= 1
    return count


def put(canvas: Canvas, x: float, y: float, words: str, size: float, language: str, bold: bool = False) -> float:
    """Write one line from x; returns where it ends."""
    for font, text in runs(words, language, bold):
        canvas.setFont(font, size)
        canvas.drawString(x, y, text)
        x += pdfmetrics.stringWidth(text, font, size)
    return x
