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


def knows_half(device: str) -> bool:
    """Whether ``"cpu"`` or ``"cuda"`` computes in bfloat16 itself: processors that only imitate it are ten times slower
    so than in 32 bits.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # torch has no other name for what oneDNN can do


def precision_of(device: str, *, half: bool) -> Literal["bf16-mixed", "32-true"]:
    """Lightning's name of the numbers that a device computes in: of 16 bits where they are asked and it knows them."""
    return "bf16-mixed" if half and knows_half(device) else "32-true"
