"""The grammar of contrast expressions; nothing from a file is ever evaluated.

::

    expression := ['+'|'-'] term (('+'|'-') term)*
    term       := factor (('*' factor) | ('/' number))*
    factor     := number | name | '`' any text '`' | '(' expression ')'

A product has at most one factor with names in it, so that every expression is linear.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from deltaroi.errors import StudyError

_TOKEN = re.compile(r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|"
                    r"`(?P<quoted>[^`]+)`|(?P<sign>[-+*/()]))")
_CONSTANT = ""
_DEEPEST = 50
Weights = dict[str, float]


def parse_contrast(text: str, where: str = "contrasts") -> Mapping[str, float]:
    """Read a contrast expression.

    Parameters
    ----------
    text : str
        E.g. ``"negative - neutral"``, ``"(a + b) / 2 - 0.5 * `odd name`"``.
    where : str
        Key path, for messages.

    Returns
    -------
    mapping of str to float
        Weight per condition name in order of first appearance; zero weights are kept out.

    Raises
    ------
    StudyError
        The text does not follow the grammar, is not linear, has a constant term or no weight at all.
    """
    weights = _Parser(text, where).read()
    constant = weights.pop(_CONSTANT, 0.0)
    if constant != 0.0:
        raise StudyError(f"the contrast {text!r} has the constant {constant:g}", where=where,
                         hint="a contrast is a sum of number * condition; constants have no meaning in it")
    weights = {name: weight for name, weight in weights.items() if weight != 0.0}
    if not weights:
        raise StudyError(f"the contrast {text!r} has no condition with a weight other than zero", where=where)
    if not all(math.isfinite(weight) for weight in weights.values()):
        raise StudyError(f"the contrast {text!r} has a weight that is not finite", where=where)
    return MappingProxyType(weights)


class _Parser:
    """One pass over one expression."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where, self.depth = text, where, 0
        self.tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"unexpected {text[position:].strip()[:12]!r} at character {position + 1}")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind)))
            position = match.end()
        self.tokens.append(("end", ""))

    def error(self, what: str) -> StudyError:
        return StudyError(f"cannot read the contrast {self.text!r}: {what}", where=self.where,
                          hint="write e.g. \"negative - neutral\"; put names with odd characters in `backticks`")

    def read(self) -> Weights:
        weights = self.expression()
        if self.tokens[0][0] != "end":
            raise self.error(f"unexpected {self.tokens[0][1]!r}")
        return weights

    def take(self, *signs: str) -> str | None:
        kind, value = self.tokens[0]
        if kind == "sign" and value in signs:
            self.tokens.pop(0)
            return value
        return None

    def expression(self) -> Weights:
        sign = -1.0 if self.take("+", "-") == "-" else 1.0
        total = _scaled(self.term(), sign)
        while (operator := self.take("+", "-")) is not None:
            for name, weight in self.term().items():
                total[name] = total.get(name, 0.0) + (weight if operator == "+" else -weight)
        return total

    def term(self) -> Weights:
        left = self.factor()
        while (operator := self.take("*", "/")) is not None:
            right = self.factor()
            if operator == "/":
                divisor = right.get(_CONSTANT, 0.0) if set(right) <= {_CONSTANT} else math.nan
                if math.isnan(divisor) or divisor == 0.0:
                    raise self.error("only a number other than zero can stand after '/'")
                left = {name: weight / divisor for name, weight in left.items()}
            elif set(right) <= {_CONSTANT}:
                left = _scaled(left, right.get(_CONSTANT, 0.0))
            elif set(left) <= {_CONSTANT}:
                left = _scaled(right, left.get(_CONSTANT, 0.0))
            else:
                raise self.error("a product of two conditions is not linear")
        return left

    def factor(self) -> Weights:
        kind, value = self.tokens.pop(0)
        if kind == "number":
            return {_CONSTANT: float(value)}
        if kind in ("name", "quoted"):
            return {value.strip() if kind == "quoted" else value: 1.0}
        if kind == "sign" and value == "(":
            self.depth += 1
            if self.depth > _DEEPEST:
                raise self.error("too many nested parentheses")
            inner = self.expression()
            if self.take(")") is None:
                raise self.error("a parenthesis is not closed")
            self.depth -= 1
            return inner
        raise self.error("the expression ends too early" if kind == "end" else f"unexpected {value!r}")


def _scaled(weights: Weights, factor: float) -> Weights:
    return {name: weight * factor for name, weight in weights.items()}
