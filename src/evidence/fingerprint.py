"""Hash of any value that a figure or a sentence is made of: with equal hashes, equal values.

Two values may be equal and have different hashes; something is then made again in vain. A value of
a kind that is not known here has no hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import PurePath
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any

import numpy as np
import pandas as pd

PLAIN = (type(None), bool, int, float, complex, str, bytes, Decimal, date, timedelta, PurePath,
         np.generic, type(pd.NA), type(pd.NaT))  # fmt: skip
OWN = __name__.partition(".")[0]


def fingerprint(value: Any) -> str:
    """Hash of a value and of all that it holds.

    Of a function count its code and what it holds on to: its defaults and the variables around it.
    What it finds in its module belongs to the program.

    Returns
    -------
    str
        Hexadecimal SHA-256, the same in every process of the same Python.

    Raises
    ------
    TypeError
        When it holds something of an unknown kind.

    Examples
    --------
    >>> fingerprint([1, "a"]) == fingerprint([1, "a"])
    True
    >>> fingerprint(1) == fingerprint(1.0)
    False
    """
    return _Walk().of(value).hex()


class _Walk:
    """One walk through a value; what contains itself is named by how far above it began."""

    def __init__(self) -> None:
        self._done: dict[int, bytes] = {}
        self._open: dict[int, int] = {}
        self._kept: list[Any] = []  # so that ids stay theirs

    def of(self, value: Any) -> bytes:
        kind, place = type(value), id(value)
        name = f"{kind.__module__}.{kind.__qualname__}".encode()
        if isinstance(value, PLAIN) and not isinstance(value, Enum):
            return _hash(name, repr(value).encode())
        if place in self._open:
            return _hash(b"within", str(len(self._open) - self._open[place]).encode())
        if place not in self._done:
            self._kept.append(value)
            self._open[place] = len(self._open)
            try:
                self._done[place] = _hash(name, *self._parts(value))
            finally:
                del self._open[place]
        return self._done[place]

    def all(self, *values: Any) -> list[bytes]:
        return [self.of(value) for value in values]

    def _parts(self, value: Any) -> list[bytes]:
        match value:
            case Enum():
                return self.all(value.name)
            case list() | tuple():
                return self.all(*value)
            case Mapping() if isinstance(value, dict | MappingProxyType):
                return self.all(*value, *value.values())
            case set() | frozenset():
                return sorted(self.all(*value))
            case np.ndarray() if value.dtype != object:
                return [*self.all(value.dtype.str, value.shape), value.tobytes()]
            case np.ndarray() | pd.api.extensions.ExtensionArray():
                return self.all(str(value.dtype), value.tolist())
            case pd.Index():
                return self.all(value.names, value.array)
            case pd.Series():
                return self.all(value.name, value.index, value.array, value.attrs)
            case pd.DataFrame():
                columns = [value.iloc[:, place].array for place in range(value.shape[1])]
                return self.all(value.columns, value.index, columns, value.attrs)
            case FunctionType():
                cells = [_inside(cell) for cell in value.__closure__ or ()]
                return self.all(value.__module__, value.__qualname__, value.__code__, cells,
                                value.__defaults__, value.__kwdefaults__)
            case CodeType():
                return self.all(value.co_code, value.co_consts, value.co_names)
            case partial():
                return self.all(value.func, value.args, value.keywords)
            case MethodType():
                return self.all(value.__func__, value.__self__)
            case type() | BuiltinFunctionType():
                return self.all(value.__module__, value.__qualname__)
            case ModuleType():
                return self.all(value.__name__)
        if is_dataclass(value):
            given = [item.name for item in fields(value) if item.init]  # the rest follows from them
            return self.all(*(getattr(value, name) for name in given))
        if type(value).__module__.partition(".")[0] == OWN:
            return self.all(_state(value))
        raise TypeError(f"a {type(value).__module__}.{type(value).__qualname__} has no fingerprint")


def _inside(cell: CellType) -> list[Any]:
    """The variable around a function, where it has a value."""
    try:
        return [cell.cell_contents]
    except ValueError:
        return []


def _state(value: Any) -> list[Any]:
    """What an object of this package holds."""
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [[getattr(value, name) for name in slots], getattr(value, "__dict__", {})]


def _hash(*parts: bytes) -> bytes:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.digest()
