"""YAML by the 1.2 core rules: ``no`` is a word, ``01`` is a word, a repeated key is an error; with line numbers."""

from __future__ import annotations

import re
from typing import Any

import yaml

from deltaroi.errors import StudyError

Place = tuple[str | int, ...]
Lines = dict[Place, int]

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True,
                          "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PADDED = re.compile(r"[-+]?0[0-9]+")
_DEEPEST = 40


def load_yaml(text: str, where: str) -> tuple[dict[str, Any], Lines]:
    """Read a YAML mapping safely.

    Parameters
    ----------
    text : str
        The document.
    where : str
        File, for messages.

    Returns
    -------
    data : dict
        Plain Python values.
    lines : dict
        Line number (from 1) of every place, e.g. ``("groups", "levels", 0)``.

    Raises
    ------
    StudyError
        Not YAML, not a mapping, a repeated or non-text key, an anchor, alias or tag.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise StudyError("YAML anchors and aliases are not read",
                                 where=f"{where}:{_line(event)}", hint="write the value out")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark else where
        raise StudyError(f"this is not YAML: {getattr(error, 'problem', None) or error}", where=place,
                         hint="check indentation (spaces, not tabs), colons and quotes") from error
    except RecursionError as error:
        raise StudyError("the document is nested too deeply", where=where) from error
    lines: Lines = {}
    data = _build(node, (), lines, where)
    if not isinstance(data, dict):
        raise StudyError("the document is not a mapping of keys to values", where=where,
                         hint="start with `schema_version: 1`")
    return data, lines


def _build(node: yaml.Node | None, place: Place, lines: Lines, where: str) -> Any:
    """The plain value of one node."""
    if node is None:
        return None
    lines.setdefault(place, node.start_mark.line + 1)
    at = f"{where}:{node.start_mark.line + 1}"
    if len(place) > _DEEPEST:
        raise StudyError("the document is nested too deeply", where=at)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, lines, where)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*place, i), lines, where) for i, item in enumerate(node.value)]
    if not node.tag.startswith("tag:yaml.org,2002:"):
        raise StudyError(f"the tag {node.tag!r} is not read", where=at, hint="remove it")
    text = str(node.value)
    if getattr(node, "style", None) in ("'", '"', "|", ">"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) < 20 else text
    if _FLOAT.fullmatch(text) and not _PADDED.fullmatch(text):
        return float(text)
    return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _mapping(node: yaml.MappingNode, place: Place, lines: Lines, where: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key_node, value_node in node.value:
        at = f"{where}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, yaml.ScalarNode):
            raise StudyError("a key is not a word", where=at)
        key = str(key_node.value)
        if key in out:
            raise StudyError(f"the key '{key}' stands twice", where=at, hint="remove one of them")
        lines[(*place, key)] = key_node.start_mark.line + 1
        out[key] = _build(value_node, (*place, key), lines, where)
    return out
