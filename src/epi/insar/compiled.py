"""Loops compiled by numba and kept on disk for the next start, where there is a disk to keep them on.

A kept loop is made anew when its own file changes, not when a function of another file that it calls does: after such
an edit delete the ``__pycache__`` folders.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def njit(**options: Any) -> Callable[[Function], Function]:  # noqa: ANN401
    """Compile a function as :func:`numba.njit` does, cached where the package's folder or the home can be written.

    Parameters
    ----------
    options : of :func:`numba.njit`; division by zero gives infinity or NaN unless ``error_model`` says otherwise.
    """
    chosen = {"error_model": "numpy"} | options

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, numba.njit(cache=True, **chosen)(function))
        except RuntimeError:  # "no locator available": neither folder can be written
            return cast(Function, numba.njit(**chosen)(function))

    return decorate
