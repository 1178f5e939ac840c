"""What SNAP's operators accept, version by version, and the check of one of them against it.

The facts are in ``data/snap_operators.json``. They were read from SNAP's sources; SNAP itself was not run here.
"""

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import PurePath
from typing import Any

from epi.errors import ParameterError
from epi.settings import settings

CONTRACT_FILE = "snap_operators.json"
"""Name of the facts inside the data folder."""

EXTERNAL_DEM = "External DEM"
"""SNAP's name of an elevation model in a file of one's own."""

SUBSWATHS = ("IW1", "IW2", "IW3")
POLARISATIONS = ("VV", "VH", "HH", "HV")

_NUMBERS = {"int": int, "Integer": int, "double": float, "float": float, "Double": float, "Float": float}
_LIKE_TERRAIN_CORRECTION = {  # sets that only that operator writes down; these look their names up in the same place
    ("Back-Geocoding", "demResamplingMethod"): "demResamplingMethod",
    ("Back-Geocoding", "resamplingType"): "imgResamplingMethod",
}
_CLOSED = {("TOPSAR-Split", "subswath"): SUBSWATHS} | {
    (operator, "selectedPolarisations"): POLARISATIONS
    for operator in ("TOPSAR-Split", "TOPSAR-Merge", "TOPSAR-Deburst", "SliceAssembly")
}
_NEEDED = {
    "Write": ("file",),
    "SnaphuExport": ("targetFolder",),
}  # no default is of use, though SNAP names none required


@cache
def contract() -> dict[str, Any]:
    """Return the facts: versions, operators with their parameters and sources, writers, elevation models."""
    facts: dict[str, Any] = json.loads((settings().data / CONTRACT_FILE).read_text(encoding="utf-8"))
    return facts


def check_version(version: int) -> None:
    """Refuse a version of SNAP the facts do not cover."""
    known = contract()["versions"]
    if version not in known:
        raise ParameterError(f"SNAP version {version!r} is not known; known are {listed(known)}.")


def check_operator(
    operator: str, parameters: Mapping[str, str], sources: Iterable[str] = (), *, version: int, names: bool = True
) -> None:
    """Refuse one operator of a graph that this version of SNAP would refuse, or run with other values than meant.

    Parameters
    ----------
    operator : its name in a graph, such as ``Back-Geocoding``.
    parameters : values as text, by the name of the parameter (its field or its alias).
    sources : ids of its sources as the graph writes them (``sourceProduct``, ``sourceProduct.1``, …), in order.
    version : major version of SNAP, 10 to 14.
    names : whether parameters that must be given are looked for (False for a part of the parameters).

    Raises
    ------
    ParameterError : an unknown operator, parameter or source, a dialog's label, a value of another type or outside
        its set or interval, an unknown elevation model or format, something missing. It names the operator, the
        parameter, what was found and what is allowed.
    """
    check_version(version)
    facts = _operator(operator)
    _check_sources(operator, facts, list(sources))
    seen: dict[str, str] = {}
    for name, value in parameters.items():
        alias, fact = _parameter(operator, facts, name, version=version)
        if alias in seen:
            raise ParameterError(f"{operator}: {name!r} and {seen[alias]!r} are the same parameter; give one of them.")
        seen[alias] = name
        _check_value(operator, alias, fact, value, version=version)
    if names:
        required = [alias for alias, fact in facts["parameters"].items() if fact.get("required")]
        for alias in (*required, *_NEEDED.get(operator, ())):
            if not parameters.get(seen.get(alias, alias), "").strip():
                raise ParameterError(f"{operator}: the parameter {alias!r} is missing; SNAP cannot do without it.")


def canonical(operator: str, parameters: Mapping[str, str], *, version: int) -> dict[str, str]:
    """Return parameters by the name a graph uses, whichever of their two names was given.

    Raises
    ------
    ParameterError : an unknown operator or parameter.
    """
    facts = _operator(operator)
    return {_parameter(operator, facts, name, version=version)[0]: value for name, value in parameters.items()}


def default(operator: str, parameter: str, *, version: int) -> str | None:
    """Return what SNAP takes where a parameter is not given; it differs between versions for some."""
    fact = _operator(operator)["parameters"][parameter]
    value: str | None = fact["defaults"][str(version)] if "defaults" in fact else fact.get("default")
    return value


def knows(operator: str, parameter: str, *, version: int) -> bool:
    """Tell whether a version of SNAP has a parameter."""
    fact = _operator(operator)["parameters"].get(parameter)
    return fact is not None and version >= fact.get("since", 0)


def as_text(value: object) -> str:
    """Write a value as SNAP parses it from text: true, not True; lists with commas.

    Everything reaches SNAP as text: through its Java interface, a value of another type than the parameter's fails.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | PurePath):
        return str(value)
    if isinstance(value, Iterable):
        return ",".join(map(as_text, value))
    return str(value)


def listed(values: Iterable[object]) -> str:
    """Write allowed values for a message."""
    return ", ".join(map(str, values))


def _operator(operator: str) -> dict[str, Any]:
    operators: dict[str, dict[str, Any]] = contract()["operators"]
    if operator not in operators:
        near = get_close_matches(operator, operators, n=1, cutoff=0.5)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise ParameterError(f"SNAP operator {operator!r} is not known.{meant} Known: {listed(operators)}.")
    return operators[operator]


def _parameter(operator: str, facts: dict[str, Any], name: str, *, version: int) -> tuple[str, dict[str, Any]]:
    """Find a parameter by its alias or its field; say which one was meant where it is neither."""
    known: dict[str, dict[str, Any]] = facts["parameters"]
    for alias, fact in known.items():
        if name in (alias, fact.get("field")):
            if version < fact.get("since", 0):
                raise ParameterError(
                    f"{operator}: the parameter {name!r} came with SNAP {fact['since']}; this graph is for "
                    f"SNAP {version}."
                )
            return alias, fact
    meant = _meant(name, facts)
    if meant is not None and _bare(name) != _bare(meant):
        remedy = f"It is a label of SNAP's dialog: the parameter is called {meant!r}."
    elif meant is not None:
        remedy = f"The parameter is called {meant!r}."
    else:
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        remedy = f"Did you mean {near[0]!r}?" if near else f"It has: {listed(known) or 'none'}."
    raise ParameterError(f"{operator}: {name!r} is not a parameter of SNAP {version}. {remedy}")


def _meant(name: str, facts: dict[str, Any]) -> str | None:
    """Return the parameter that a dialog's label or another spelling stands for."""
    for label, alias in facts.get("labels", {}).items():
        if _bare(label) == _bare(name):
            return str(alias)
    return next((alias for alias in facts["parameters"] if _bare(alias) == _bare(name)), None)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _check_sources(operator: str, facts: dict[str, Any], sources: list[str]) -> None:
    wanted: str = facts["sources"]
    least = {"none": 0, "one": 1, "several": 2}[wanted]
    if len(sources) < least or (wanted != "several" and len(sources) > least):
        says = {"none": "no source", "one": "one source", "several": "two sources or more"}[wanted]
        raise ParameterError(f"{operator}: needs {says}, found {len(sources)} ({listed(sources) or 'none'}).")
    for number, source in enumerate(sources):
        allowed = facts["source_ids"]
        if wanted == "several":
            allowed = ["sourceProduct"] if number == 0 else [f"sourceProduct.{number}"]
        if source not in allowed:
            raise ParameterError(
                f"{operator}: its source {number + 1} is named {source!r}; allowed is {' or '.join(allowed)}."
            )


def _check_value(operator: str, name: str, fact: dict[str, Any], value: str, *, version: int) -> None:
    kind: str = fact["type"]
    items = [part.strip() for part in value.split(",")] if kind.endswith("[]") else [value]
    if kind.lower() == "boolean" and value not in ("true", "false"):
        raise _refused(operator, name, value, "true or false")
    if kind in _NUMBERS:
        try:
            number = _NUMBERS[kind](value)
        except ValueError:
            raise _refused(operator, name, value, f"a number of type {kind}") from None
        if "interval" in fact and not within(number, fact["interval"]):
            raise _refused(operator, name, value, f"a number in {fact['interval']}")
    if kind == "Rectangle" and not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*){3}", value):
        raise _refused(operator, name, value, "x,y,width,height in pixels")
    allowed = _allowed(operator, name, fact, version=version)
    if allowed is not None:
        for item in items:
            if item not in allowed:
                near = get_close_matches(item, allowed, n=1, cutoff=0.6)
                meant = f" (did you mean {near[0]!r}?)" if near else ""
                raise _refused(operator, name, item, f"one of: {listed(allowed)}{meant}")


def _allowed(operator: str, name: str, fact: dict[str, Any], *, version: int) -> list[str] | None:
    """Return the values a parameter may take in a version, or None where any will do."""
    if "values" in fact:
        since = fact.get("values_since", {})
        return [value for value in fact["values"] if version >= since.get(value, 0)]
    if name == "demName":
        return list(contract()["dems"])
    if (operator, name) == ("Write", "formatName"):
        return [writer for writer in contract()["writers"] if writer != "Snaphu"]  # only SnaphuExport writes that
    if (operator, name) in _LIKE_TERRAIN_CORRECTION:
        like = contract()["operators"]["Terrain-Correction"]["parameters"]
        return list(like[_LIKE_TERRAIN_CORRECTION[operator, name]]["values"])
    return list(_CLOSED[operator, name]) if (operator, name) in _CLOSED else None


def within(number: float, interval: str) -> bool:
    """Tell whether a number lies in an interval written as SNAP writes it: ``(0, 1]``, ``[1, *)``."""
    low, high = (part.strip() for part in interval[1:-1].split(","))
    above = low == "*" or number > float(low) or (interval[0] == "[" and number == float(low))
    below = high == "*" or number < float(high) or (interval[-1] == "]" and number == float(high))
    return above and below


def _refused(operator: str, name: str, value: str, allowed: str) -> ParameterError:
    return ParameterError(f"{operator}: {name} is {value!r}; allowed is {allowed}.")
