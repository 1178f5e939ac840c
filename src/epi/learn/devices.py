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
    """Whether PyTorch has code for bfloat16 on ``"cpu"`` or ``"cuda"``: where it has none, as on x86 without AVX-512,
    it imitates such numbers, ten times slower than it computes in 32 bits.
    """
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # what oneDNN, which does the work, says of itself


def precision_of(device: str, *, half: bool) -> Literal["bf16-mixed", "32-true"]:
    """Lightning's name of the numbers that a device computes in: of 16 bits where they are asked and it knows them."""
    return "bf16-mixed" if half and knows_half(device) else "32-true"
