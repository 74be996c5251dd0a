"""Reading pages as a person does: every page that links lead to, and the words on it that are not in its language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient

LATIN = re.compile(r"[A-Za-z]{3,}")
READ = ("aria-label", "title", "placeholder", "alt")
VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
UNREAD = frozenset(("script", "style", "code", "pre", "svg", "textarea", "option[value]"))
CODE = re.compile(r"https?://\S+|(?<![A-Za-z0-9])(?:[0-9a-f]{8,}|[a-z0-9]+(?:[-.][A-Za-z0-9]+)+|UTF-8)(?![A-Za-z0-9])")
"""An address, a hash, a code such as heart-failure-daily."""
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class Page(HTMLParser):
    """The links of a page, and what is said on it in its own language: not what is marked as another's."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.language = ""
        self.said: list[str] = []
        self.links: list[str] = []
        self._within: list[tuple[str, bool]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element: its readable attributes, and whether its words are in the page's language."""
        known = {name: value or "" for name, value in attrs}
        if tag == "html":
            self.language = known.get("lang", "")
        hidden = bool(self._within) and self._within[-1][1]
        spoken = known.get("lang", "")
        other = (spoken != self.language if "lang" in known else hidden) or known.get("translate") == "no"
        if not other:
            self.said += [known[name] for name in READ if known.get(name)]
        if tag == "a" and "download" not in known:
            self.links.append(known.get("href", ""))
        if tag not in VOID:
            self._within.append((tag, other or tag in UNREAD))

    def handle_endtag(self, tag: str) -> None:
        """The end of an element."""
        while self._within and self._within.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Text."""
        if data.strip() and not (self._within and self._within[-1][1]):
            self.said.append(" ".join(data.split()))


def walk(app: Flask, client: FlaskClient, begin: list[str], each: int = 2) -> Iterator[tuple[str, str]]:
    """(address, text) of every page that links lead to from these; of pages of one kind only the first ones."""
    waiting, seen, kinds = list(begin), set(begin), dict[str, int]()
    while waiting:
        address = waiting.pop(0)
        kind = ID.sub("#", urlsplit(address).path) + re.sub(r"=[^&]*", "", urlsplit(address).query)
        kinds[kind] = kinds.get(kind, 0) + 1
        if kinds[kind] > each:
            continue
        answer = client.get(address, follow_redirects=True)
        if answer.mimetype != "text/html":
            continue
        yield address, answer.text
        for link in Page(answer.text).links:
            found = link.partition("#")[0]
            if found.startswith("/") and not found.startswith(("//", "/assets")) and found not in seen:
                seen.add(found)
                waiting.append(found)


def foreign(page: str, allowed: frozenset[str], quoted: tuple[str, ...] = ()) -> list[str]:
    """What a page says in Latin letters, but for words that are the same in every language, and for quotations."""
    found = []
    for said in Page(page).said:
        for words in quoted:
            said = said.replace(words, "")
        words = set(LATIN.findall(CODE.sub("", said))) - allowed
        if words:
            found.append(f"{said[:120]} {sorted(words)}")
    return found
