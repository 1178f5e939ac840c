"""Where a network learns and looks."""

from typing import Literal

import torch

from epi.errors import ParameterError


def device_of(asked: str) -> Literal["cpu", "cuda"]:
    """PyTorch's name of the device that was asked: ``"auto"`` is the GPU where there is one.

    Raises
    ------
    ParameterError : a GPU was asked for and there is none, or an unknown name.
    """
    if asked not in ("auto", "cpu", "cuda"):
        raise ParameterError(f"device {asked} was asked: give auto, cpu or cuda.")
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise ParameterError("device cuda was asked, and PyTorch sees no GPU here: give --device cpu, or auto.")
    return "cuda" if there and asked != "cpu" else "cpu"
