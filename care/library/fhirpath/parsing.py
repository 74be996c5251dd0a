"""A FHIRPath text to a tree, read by the grammar and parser of fhirpathpy.

fhirpathpy's own `parse` passes over syntax errors and over whatever follows the first expression; here both are
refused. The tree is flat where the grammar is left-recursive, so that a sum of three hundred terms nests no deeper than
one of two.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Any

from antlr4 import CommonTokenStream, InputStream
from antlr4.error.ErrorListener import ErrorListener
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from care.errors import Invalid

MAX_LENGTH = 10_000
MAX_NESTING = 40

_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "f": "\f"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_parsing = Lock()  # the parser's tables grow while it parses and are shared by all of them


@dataclass(frozen=True, slots=True)
class Tree:
    """One part of an expression.

    kind           value            parts
    literal        the value        -            (True, 1, Decimal, str; ("quantity", number, unit); ("moment", text))
    empty          -                -            {}
    path           -                start, then steps: member | call | index | this | position | total
    member         name             -
    call           name             its arguments
    index          -                the index
    variable       name             -            %name
    chain          operators        operands, one more than operators; left to right, of one precedence
    sign           '-' or '+'       operand
    type           (op, type name)  operand      op is 'is' or 'as'
    """

    kind: str
    value: Any = None
    parts: tuple[Tree, ...] = ()

    def all(self) -> Iterator[Tree]:
        """This part and everything below it."""
        waiting = [self]
        while waiting:
            here = waiting.pop()
            yield here
            waiting.extend(here.parts)


class _Strict(ErrorListener):
    def syntaxError(self, recognizer: Any, symbol: Any, line: int, column: int, message: str, error: Any) -> None:
        raise unreadable(f"line {line}, character {column + 1}")


def unreadable(where: str) -> Invalid:
    """The refusal of an expression that is not FHIRPath, or not the part of it that is understood."""
    return Invalid("unreadable-expression", f"the FHIRPath expression cannot be read: {where}", where=where)


def parse(text: str) -> Tree:
    """The tree of an expression. Raises Invalid("unreadable-expression") saying where it cannot be read."""
    if len(text) > MAX_LENGTH:
        raise unreadable(f"it is longer than {MAX_LENGTH} characters")
    strict = _Strict()
    lexer = FHIRPathLexer(InputStream(text))
    lexer.removeErrorListeners()
    lexer.addErrorListener(strict)
    tokens = CommonTokenStream(lexer)
    try:
        with _parsing:
            tokens.fill()
            _nests_within_reason(tokens)
            _joins_days(tokens)
            parser = FHIRPathParser(tokens)
            parser.removeErrorListeners()
            parser.addErrorListener(strict)
            return _tree(parser.entireExpression().expression())
    except RecursionError:
        raise unreadable("it is nested too deeply") from None


def _nests_within_reason(tokens: CommonTokenStream) -> None:
    depth = signs = 0
    for token in tokens.tokens:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        signs = signs + 1 if token.text in ("+", "-") else 0
        if depth > MAX_NESTING or signs > MAX_NESTING:
            raise unreadable("it is nested too deeply")


def _joins_days(tokens: CommonTokenStream) -> None:
    """@2015T is a dateTime known to the year; the lexer takes the T for a name of its own."""
    kept: list[Any] = []
    for token in tokens.tokens:
        before: Any = kept[-1] if kept else None
        dated = before is not None and before.type == FHIRPathLexer.DATETIME and "T" not in before.text
        if dated and token.text == "T" and before.stop + 1 == token.start:
            before.text += "T"
        else:
            kept.append(token)
    for at, token in enumerate(kept):
        token.tokenIndex = at
    tokens.tokens = kept


def _kind(context: Any) -> str:
    return str(type(context).__name__).removesuffix("Context")


def _tree(context: Any) -> Tree:
    kind = _kind(context)
    if kind in ("InvocationExpression", "IndexerExpression"):
        return _path(context)
    if kind == "PolarityExpression":
        return Tree("sign", context.getChild(0).getText(), (_tree(context.expression()),))
    if kind == "TypeExpression":
        named = (context.getChild(1).getText(), context.typeSpecifier().getText().replace("`", ""))
        return Tree("type", named, (_tree(context.expression()),))
    if kind == "TermExpression":
        return _term(context.term())
    return _chain(context)


def _path(context: Any) -> Tree:
    steps: list[Tree] = []
    while (kind := _kind(context)) in ("InvocationExpression", "IndexerExpression"):
        if kind == "InvocationExpression":
            steps.append(_invocation(context.invocation()))
            context = context.expression()
        else:
            steps.append(Tree("index", None, (_tree(context.expression(1)),)))
            context = context.expression(0)
    start = _tree(context)
    first = start.parts if start.kind == "path" else (start,)
    return Tree("path", None, (*first, *reversed(steps)))


def _chain(context: Any) -> Tree:
    operators: list[str] = []
    operands: list[Tree] = []
    kind = _kind(context)
    while _kind(context) == kind:
        operators.append(context.getChild(1).getText())
        operands.append(_tree(context.expression(1)))
        context = context.expression(0)
    return Tree("chain", tuple(reversed(operators)), (_tree(context), *reversed(operands)))


def _term(context: Any) -> Tree:
    kind = _kind(context)
    if kind == "InvocationTerm":
        return Tree("path", None, (_invocation(context.invocation()),))
    if kind == "ParenthesizedTerm":
        inner = _tree(context.expression())
        return Tree("path", None, (inner,)) if inner.kind == "path" else inner
    if kind == "ExternalConstantTerm":
        named = context.externalConstant()
        if named.identifier() is not None:
            return Tree("variable", _identifier(named.identifier()))
        return Tree("variable", _unescape(named.STRING().getText()))
    return _literal(context.literal())


def _invocation(context: Any) -> Tree:
    kind = _kind(context)
    if kind == "MemberInvocation":
        return Tree("member", _identifier(context.identifier()))
    if kind == "FunctionInvocation":
        function = context.functn()
        listed = function.paramList()
        arguments = tuple(_tree(each) for each in listed.expression()) if listed is not None else ()
        return Tree("call", _identifier(function.identifier()), arguments)
    return Tree({"ThisInvocation": "this", "IndexInvocation": "position", "TotalInvocation": "total"}[kind])


def _literal(context: Any) -> Tree:
    read: Callable[[str], Any] | None = _LITERALS.get(_kind(context))
    if read is not None:
        return Tree("literal", read(context.getText()))
    if _kind(context) == "NullLiteral":
        return Tree("empty")
    quantity = context.quantity()
    unit = quantity.unit()
    quoted = unit.STRING() if unit is not None else None
    spelt = _unescape(quoted.getText()) if quoted is not None else (unit.getText() if unit is not None else "1")
    return Tree("literal", ("quantity", Decimal(quantity.NUMBER().getText()), spelt, quoted is None))


def _number(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)


_LITERALS: dict[str, Callable[[str], Any]] = {
    "BooleanLiteral": lambda text: text == "true",
    "NumberLiteral": _number,
    "StringLiteral": lambda text: _unescape(text),
    "DateTimeLiteral": lambda text: ("moment", text[1:]),
    "TimeLiteral": lambda text: ("moment", text[1:]),
}


def _identifier(context: Any) -> str:
    text = context.getText()
    return _unescape(text) if text.startswith("`") else text


def _unescape(quoted: str) -> str:
    """The text between two quotes, its escapes resolved."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPES.get(m[2], m[2]), quoted[1:-1])
