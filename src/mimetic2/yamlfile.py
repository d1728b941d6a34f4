"""YAML as users write it: duplicate keys refused, and the line of every key kept for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mimetic2.errors import InputError

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file: its plain data and, for every key path such as ``("subjects", "basis")``, the line it is on."""

    path: Path
    data: dict[str, Any]
    lines: dict[KeyPath, int]

    def line(self, key: KeyPath) -> int | None:
        """The line of a key, or of the nearest key around it; None for the file as a whole."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key) if key else None


def read_yaml(path: str | Path) -> YamlFile:
    """Read a file that holds one mapping.

    Raises :class:`InputError` for an unreadable file, bad syntax, a duplicate key, and anything but a mapping.
    """
    path = Path(path)
    text = _text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise InputError("holds no keys", file=path, accepted="lines like 'name: my-study'")
        lines: dict[KeyPath, int] = {}
        _walk(node, (), lines, path)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        row = error.problem_mark.line + 1 if error.problem_mark else None
        raise InputError(f"is not YAML ({error.problem})", file=path, row=row) from error
    except yaml.YAMLError as error:
        raise InputError(f"is not YAML ({str(error).splitlines()[0]})", file=path) from error
    return YamlFile(path, data, lines)


def _text(path: Path) -> str:
    if not path.exists():
        raise InputError("no such file", file=path)
    if path.is_dir():
        raise InputError("is a folder, a YAML file is wanted", file=path)
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"is not UTF-8 (byte {error.start})", file=path) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", file=path) from error


def _walk(node: yaml.Node, place: KeyPath, lines: dict[KeyPath, int], path: Path) -> None:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*place, index)] = item.start_mark.line + 1
            _walk(item, (*place, index), lines, path)
    if not isinstance(node, yaml.MappingNode):
        return
    for key_node, value_node in node.value:
        row = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
            raise InputError("a key must be a word", file=path, row=row)
        key = (*place, str(key_node.value))
        if key in lines:
            raise InputError(f"key '{key[-1]}' stands in line {lines[key]} already", file=path, row=row)
        lines[key] = row
        _walk(value_node, key, lines, path)
