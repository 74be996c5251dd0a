"""The summary as a PDF: one page of A4, however much there is to say; the same summary gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence

from flask_babel import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from core import paper
from core.minis import HEIGHT, WIDTH, Mini
from core.summary import Sheet

MARGIN, GUTTER = 42.0, 18.0
SIZE, LEAD = 9.0, 12.0
FLOOR = MARGIN + 2.0  # below it stands only by whom it was made
INK, QUIET, ACCENT = 0.1, 0.35, (0.04, 0.36, 0.62)


def pdf(sheet: Sheet, language: str) -> bytes:
    """The page. `language` says which of two Chinese fonts comes first."""
    paper.ready()
    kept = io.BytesIO()
    canvas = Canvas(kept, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(_("Summary for a visit"))
    _Page(canvas, language).draw(sheet)
    canvas.showPage()
    canvas.save()
    return kept.getvalue()


class _Page:
    """One page with the place to write on next. Every part has a largest number of lines, so that all fit."""

    def __init__(self, canvas: Canvas, language: str) -> None:
        self.canvas, self.language = canvas, language
        self.wide, self.high = A4
        self.room = self.wide - 2 * MARGIN
        self.y = self.high - MARGIN

    def draw(self, sheet: Sheet) -> None:
        """From the top to the foot."""
        self._head(sheet)
        self._part(_("Why flagged"), sheet.why, most=2)
        self._charts(sheet.charts)
        left, right, top = MARGIN, MARGIN + self.room * 0.55 + GUTTER, self.y
        self._values(sheet, left, self.room * 0.55)
        ended, self.y = self.y, top
        column = self.room * 0.45 - GUTTER
        self._part(_("Adherence"), sheet.adherence, 2, right, column)
        self._part(_("Thresholds of this patient's own"), sheet.thresholds, 1, right, column)
        self._part(_("Medicines"), [sheet.medicines], 2, right, column)
        self.y = min(self.y, ended)
        self._part(_("Messages that wait for a person"), sheet.messages, most=2)
        if sheet.visits:
            self._part(_("Visits that are asked for"), sheet.visits, most=1)
        self._ink(QUIET)
        self._line(MARGIN, MARGIN - 14, sheet.made, self.room, size=8)

    def _head(self, sheet: Sheet) -> None:
        self._ink(INK)
        kind = _("Summary for a visit")
        taken = paper.width(kind, SIZE, self.language)
        self.y -= 16
        self._line(MARGIN, self.y, sheet.name, self.room - taken - GUTTER, size=16, bold=True)
        self._line(self.wide - MARGIN - taken, self.y, kind, taken + 1)
        self.y -= 7
        self.canvas.setLineWidth(1.2)
        self.canvas.line(MARGIN, self.y, self.wide - MARGIN, self.y)
        self.y -= 4
        labels = max(paper.width(label, SIZE, self.language) for label, _value in sheet.facts) + 10
        for label, value in sheet.facts:
            self.y -= LEAD
            self._ink(QUIET)
            self._line(MARGIN, self.y, label, labels)
            self._ink(INK)
            self._line(MARGIN + labels, self.y, value, self.room - labels)

    def _heading(self, words: str, x: float, room: float) -> None:
        self.y -= LEAD + 8
        self._ink(INK)
        self._line(x, self.y, words, room, size=10, bold=True)
        self.y -= 3.5
        self.canvas.setLineWidth(0.4)
        self.canvas.line(x, self.y, x + room, self.y)

    def _part(self, heading: str, said: Sequence[str], most: int, x: float = MARGIN, room: float | None = None) -> None:
        """A heading with its lines, each of them folded into `most` at the largest."""
        wide = self.room if room is None else room
        self._heading(heading, x, wide)
        for words in said:
            if self.y - most * LEAD < FLOOR:
                break
            for number, line in enumerate(paper.fold(words, wide - 9, most, SIZE, self.language)):
                self.y -= LEAD
                if number == 0:
                    paper.put(self.canvas, x, self.y, "•", SIZE, self.language)
                paper.put(self.canvas, x + 9, self.y, line, SIZE, self.language)

    def _values(self, sheet: Sheet, x: float, room: float) -> None:
        self._heading(_("Last values, in the patient's time"), x, room)
        for what, when in sheet.values:
            self.y -= LEAD
            taken = paper.width(when, 8, self.language)
            self._ink(INK)
            self._line(x, self.y, what, room - taken - 8)
            self._ink(QUIET)
            paper.put(self.canvas, x + room - taken, self.y, when, 8, self.language)
        self._ink(INK)

    def _charts(self, charts: Sequence[Mini]) -> None:
        self._heading(_("Trends of the last 30 days"), MARGIN, self.room)
        if not charts:
            self.y -= LEAD
            self._line(MARGIN, self.y, _("Unknown: nothing was measured."), self.room)
            return
        step = self.room / 4
        self.y -= 4
        for place, chart in enumerate(charts[:4]):
            self._chart(chart, MARGIN + place * step, step - 14)
        self.y -= 2 * LEAD + HEIGHT + 6

    def _chart(self, chart: Mini, x: float, room: float) -> None:
        canvas, foot = self.canvas, self.y - 2 * LEAD - HEIGHT
        self._ink(INK)
        self._line(x, self.y - LEAD + 2, chart.title, room, size=8, bold=True)
        said = _("%(last)s (from %(low)s to %(high)s)", last=chart.last, low=chart.low, high=chart.high)
        self._line(x, self.y - 2 * LEAD + 5, said, room, size=8)
        scale = room / WIDTH
        canvas.setStrokeGray(0.65)
        canvas.setLineWidth(0.5)
        canvas.setDash(2, 2)
        for limit in chart.limits:
            canvas.line(x, foot + HEIGHT - limit, x + room, foot + HEIGHT - limit)
        canvas.setDash()
        canvas.setStrokeColorRGB(*ACCENT)
        canvas.setFillColorRGB(*ACCENT)
        canvas.setLineWidth(0.9)
        for line in chart.lines:
            drawn = canvas.beginPath()
            drawn.moveTo(x + line[0][0] * scale, foot + HEIGHT - line[0][1])
            for across, down in line[1:]:
                drawn.lineTo(x + across * scale, foot + HEIGHT - down)
            canvas.drawPath(drawn)
        for across, down in chart.points:
            canvas.circle(x + across * scale, foot + HEIGHT - down, 1.1, stroke=0, fill=1)
        self._ink(INK)

    def _line(self, x: float, y: float, words: str, room: float, *, size: float = SIZE, bold: bool = False) -> None:
        (line,) = paper.fold(words, room, 1, size, self.language, bold)
        paper.put(self.canvas, x, y, line, size, self.language, bold)

    def _ink(self, gray: float) -> None:
        self.canvas.setFillGray(gray)
        self.canvas.setStrokeGray(gray)
