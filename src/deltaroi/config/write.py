"""Writing study files."""

from __future__ import annotations

from typing import Any

import yaml

from deltaroi.config.study import Study
from deltaroi.config.yaml12 import load_yaml


class _Dumper(yaml.SafeDumper):
    """Quotes a text that YAML 1.2 would read as something else; lists of plain values on one line."""


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    plain = load_yaml(f"key: {text}", "text")[0]["key"] == text if _is_plain(text) else True
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _is_plain(text: str) -> bool:
    """Whether a text looks like a number or a word of YAML."""
    return text.replace(".", "").replace("-", "").replace("+", "").isalnum() and len(text) < 30


def _list(dumper: _Dumper, items: list[Any]) -> yaml.Node:
    flow = all(isinstance(item, (str, int, float)) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def yaml_text(data: dict[str, Any]) -> str:
    """Plain values as YAML that :func:`deltaroi.config.read.read_study` reads back as they are."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def study_data(study: Study) -> dict[str, Any]:
    """What a study file says of a study: the keys that were given, as plain values."""
    return study.model_dump(mode="json", exclude_unset=True)
