"""Where a vision transformer looked, from its own attention weights; and what a network's answer hangs on."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import isqrt
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label
from torch import Tensor, nn

from epi.errors import ParameterError
from epi.learn.detect.networks import Classifier, Detector, DualAttention, Segmenter, Transformer

Floats = NDArray[Any]


def attention_weights(network: Classifier | Transformer, channels: Tensor) -> Tensor:
    """Attention weights of every layer and head, as the network used them.

    Parameters
    ----------
    network : a vision transformer.
    channels : (n, channels, pixels, pixels).

    Returns
    -------
    (layers, n, heads, tokens, tokens): row i says how much token i takes from each token; rows add up to 1. The first
    token stands for the whole scene, the others for its squares, row by row from the north-west.

    Raises
    ------
    ParameterError : a network without attention.
    """
    blocks = getattr(network.body, "blocks", None)
    if not isinstance(blocks, nn.Sequential):
        raise ParameterError(f"{network.settings.network} is no vision transformer: it has no attention to show.")
    kept: list[Tensor] = []
    with _plain_attention(blocks), _listening(blocks, kept), torch.inference_mode():
        network.eval()(channels)
    return torch.stack(kept)


def head_maps(weights: Tensor) -> Tensor:
    """What the whole scene's token takes from each square: (layers, n, heads, rows, columns).

    Parameters
    ----------
    weights : as `attention_weights` returns them.
    """
    side = _side(weights)
    return weights[..., 0, 1:].reshape(*weights.shape[:-2], side, side)


def rollout(weights: Tensor) -> Tensor:
    """Attention followed through all layers.

    Heads are averaged; half of what a token is stays its own, because layers have a way around them.

    Parameters
    ----------
    weights : (layers, n, heads, tokens, tokens), as `attention_weights` returns them; no NaN.

    Returns
    -------
    (n, rows, columns) by squares, row 0 in the north, on the device of the weights; each map adds up to 1.

    References
    ----------
    Abnar & Zuidema (2020), Quantifying attention flow in transformers, section 3.
    """
    mean = weights.mean(2)
    own = torch.eye(mean.shape[-1], dtype=mean.dtype, device=mean.device)
    total = own.expand(mean.shape[1:]).clone()
    for layer in mean:
        total = (layer + own) / 2 @ total
    found = total[:, 0, 1:]
    return (found / found.sum(1, keepdim=True)).reshape(-1, _side(weights), _side(weights))


def gradient_map(network: Detector, channels: Tensor) -> Tensor:
    """What the answer hangs on in the last features of a convolutional network.

    Parameters
    ----------
    network : with features on a map: not a transformer.
    channels : (n, channels, pixels, pixels), on the device of the network; no NaN.

    Returns
    -------
    (n, rows, columns) at the size of the features, row 0 in the north; 0 to 1, the largest 1, or 0 everywhere where
    nothing speaks for an earthquake.

    Raises
    ------
    ParameterError : a transformer.

    References
    ----------
    Selvaraju et al. (2017), Grad-CAM: features weighted by the mean gradient of the logit, negative sums left out.
    """
    features = _features(network)
    kept: list[Tensor] = []
    hook = features.register_forward_hook(lambda _, __, out: kept.append(out[-1] if isinstance(out, list) else out))
    try:
        with torch.enable_grad():
            present = network.eval()(channels.clone().requires_grad_()).present
            (slope,) = torch.autograd.grad(present.sum(), kept[0])
    finally:
        hook.remove()
    found = (slope.mean((2, 3), keepdim=True) * kept[0]).sum(1).clamp_min(0).detach()
    return found / found.amax((1, 2), keepdim=True).clamp_min(1e-12)


def enlarge(maps: Tensor, pixels: int) -> Tensor:
    """Maps of squares at the size of the scene, smooth between the squares' centres."""
    return torch.nn.functional.interpolate(maps[:, None], size=(pixels, pixels), mode="bilinear", align_corners=False)[
        :, 0
    ]


class Box(NamedTuple):
    """A rectangle of pixels: first row and column, and the first row and column beyond."""

    top: int
    left: int
    bottom: int
    right: int


def boxes(values: Floats, threshold: float, *, least: int = 16) -> list[Box]:
    """Rectangles around connected areas in which a map reaches a threshold, the largest area first.

    Parameters
    ----------
    values : (rows, columns); NaN is left out.
    threshold : from which a pixel belongs to an area.
    least : pixels of the smallest area that gets one.
    """
    areas, _ = label(np.nan_to_num(values, nan=-np.inf) >= threshold, structure=np.ones((3, 3)))
    sizes = np.bincount(areas.ravel())[1:]
    found = [(size, place) for size, place in zip(sizes, find_objects(areas), strict=True) if size >= least]
    found.sort(key=lambda one: -one[0])
    return [Box(rows.start, columns.start, rows.stop, columns.stop) for _, (rows, columns) in found]


def box_iou(box: Box, mask: NDArray[np.bool_]) -> float:
    """Intersection over union of a rectangle and the rectangle around a mask; 0 where the mask is empty."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return 0.0
    true = Box(rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)
    height = min(box.bottom, true.bottom) - max(box.top, true.top)
    width = min(box.right, true.right) - max(box.left, true.left)
    both = max(height, 0) * max(width, 0)
    return float(both / (_area(box) + _area(true) - both))


def points_at(values: Floats, mask: NDArray[np.bool_]) -> bool:
    """Whether the largest value of a map lies in a mask: the pointing game (Zhang et al. 2018)."""
    return bool(mask.ravel()[int(np.nanargmax(values))])


def cover_squares(channels: Tensor, chosen: Tensor, square: int) -> Tensor:
    """Channels with some squares made to look like no data.

    Parameters
    ----------
    channels : (n, channels, pixels, pixels).
    chosen : (n, rows, columns) bool, by squares.
    square : pixels a side of a square.
    """
    hidden = chosen.repeat_interleave(square, 1).repeat_interleave(square, 2)
    return channels.masked_fill(hidden[:, None], 0.0)


def _area(box: Box) -> int:
    return (box.bottom - box.top) * (box.right - box.left)


def _side(weights: Tensor) -> int:
    return isqrt(weights.shape[-1] - 1)


def _features(network: nn.Module) -> nn.Module:
    """The part whose output are the last features."""
    if isinstance(network, Segmenter):
        return cast(nn.Module, network.body.encoder)
    if isinstance(network, DualAttention):
        return network.encoder
    if isinstance(network, Classifier) and hasattr(network.body, "stages"):
        return cast(nn.Module, network.body.stages)
    raise ParameterError("Only a convolutional network has features on a map: of a transformer, ask for its attention.")


@contextmanager
def _plain_attention(blocks: nn.Sequential) -> Iterator[None]:
    """Let timm compute attention step by step, so that the weights exist at all."""
    layers: list[Any] = [block.attn for block in blocks]
    before = [layer.fused_attn for layer in layers]
    for layer in layers:
        layer.fused_attn = False
    try:
        yield
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.fused_attn = was


@contextmanager
def _listening(blocks: nn.Sequential, kept: list[Tensor]) -> Iterator[None]:
    """Keep what goes into each layer's dropout of attention: the weights."""
    layers: list[Any] = [block.attn for block in blocks]
    hooks = [
        layer.attn_drop.register_forward_pre_hook(lambda _, given: kept.append(given[0].detach())) for layer in layers
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
