"""Networks that say whether there is an earthquake, and which ground it moved, made of timm's and smp's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from epi.errors import ParameterError
from epi.learn.detect.channels import DETECT_CHANNELS
from epi.learn.libraries import smp, timm

CLASSIFIERS = {"vit-b16": "vit_base_patch16_224", "convnext": "convnext_atto"}
"""Networks that say whether there is an earthquake, and timm's names of what they are made of."""
SEGMENTERS = {
    "unet-inceptionv3": "tu-inception_v3",
    "unet-vgg19": "vgg19_bn",
    "unet-resnet50": "resnet50",
    "dual-attention": "resnet50",
    "unet-convnext": "tu-convnext_zepto_rms",
    "unet-resnet10": "tu-resnet10t",
    "vit-small": "",
}
"""Networks that also say where, and their encoders."""
SMALL_VIT: dict[str, Any] = {"patch_size": 8, "embed_dim": 128, "depth": 6, "num_heads": 4}
"""The small transformer: squares of 8 pixels, few layers."""
LIGHT = ("unet-resnet10", "unet-convnext")
"""The small U-Nets: what they say of presence hears of their mask, and they say how far the ground moved."""
DECODER = (96, 64, 48, 24, 8)
"""Channels of their decoders, from coarse to fine."""
SQUARE = 4
"""Side in pixels, about 2 km, of what their strongest evidence is looked for in."""


class Found(NamedTuple):
    """What a network says of scenes.

    Attributes
    ----------
    present : (n,) logit of an earthquake.
    mask : (n, rows, columns) logit of moved ground, or None of a network that only says whether.
    motion : (n, rows, columns) as `epi.learn.detect.data.motion`, or None of a network that does not say how far.
    """

    present: Tensor
    mask: Tensor | None
    motion: Tensor | None = None


@dataclass(frozen=True)
class DetectSettings:
    """What a network was built and adjusted for; kept with its weights.

    Attributes
    ----------
    network : a key of ``CLASSIFIERS`` or ``SEGMENTERS``.
    pixels, size_km : side of what it looks at.
    temperature : by which its logit of presence is divided to be a probability that keeps its word.
    alarm : probability of presence from which a scene of one square is called one with an earthquake.
    alarm_growth : what is added to the logit of `alarm` for e times as many squares.
    threshold : probability from which a pixel belongs to the mask.
    mirrors : whether `epi.learn.detect.judge.look` asks it of a scene's mirror image too, and takes the mean.
    """

    network: str
    pixels: int = 96
    size_km: float = 51.2
    temperature: float = 1.0
    alarm: float = 0.5
    alarm_growth: float = 0.0
    threshold: float = 0.5
    mirrors: bool = False

    def alarm_over(self, squares: int) -> float:
        """Probability from which a scene is called one, if the largest of its squares' counts.

        Parameters
        ----------
        squares : how many; air has no more chances than that to look like an earthquake, however they overlap
            (Bonferroni's bound).
        """
        level = min(max(self.alarm, 1e-9), 1 - 1e-9)
        logit = math.log(level / (1 - level)) + self.alarm_growth * math.log(max(squares, 1))
        return 1 / (1 + math.exp(-logit)) if squares > 1 else self.alarm


class Classifier(nn.Module):
    """One of timm's networks, with one answer a scene."""

    def __init__(self, settings: DetectSettings) -> None:
        super().__init__()
        self.settings = settings
        made: dict[str, Any] = {"in_chans": len(DETECT_CHANNELS), "num_classes": 1}
        made |= {"img_size": settings.pixels} if settings.network.startswith("vit") else {}
        self.body: nn.Module = timm.create_model(CLASSIFIERS[settings.network], pretrained=False, **made)
        if settings.network == "convnext":
            _tell_no_data(cast(nn.Sequential, self.body.stem)[0])

    def forward(self, channels: Tensor) -> Found:
        """Look at (n, channels, pixels, pixels)."""
        return Found(self.body(channels)[:, 0].float(), None)


class Segmenter(nn.Module):
    """One of smp's networks: a mask, and from the encoder's last features one answer a scene.

    In the small ones that answer also hears of the strongest evidence anywhere in the mask: features averaged over
    the scene hardly notice an earthquake that is a few kilometres wide. They also learn how far the ground moved, which
    teaches them to tell motion from air.
    """

    def __init__(self, settings: DetectSettings) -> None:
        super().__init__()
        self.settings = settings
        encoder = SEGMENTERS[settings.network]
        light = settings.network in LIGHT
        made: dict[str, Any] = {"encoder_weights": None, "in_channels": len(DETECT_CHANNELS), "classes": 1 + light}
        made |= {"decoder_channels": DECODER} if light else {}
        self.body = smp.Unet(encoder, aux_params={"classes": 1, "pooling": "avg", "dropout": None}, **made)
        self.heard = nn.Parameter(torch.full((1,), 0.1)) if light else None
        if settings.network == "unet-convnext":
            _tell_no_data(self.body.encoder.model.stem_0)

    def forward(self, channels: Tensor) -> Found:
        """Look at (n, channels, rows, columns); rows and columns divide by 32."""
        ground, present = self.body(channels)
        mask, present = ground[:, 0].float(), present[:, 0].float()
        if self.heard is None:
            return Found(present, mask)
        data = channels[:, DETECT_CHANNELS.index("data")].float()
        return Found(present + self.heard * strongest(mask, data), mask, ground[:, 1].float())


def strongest(mask: Tensor, data: Tensor) -> Tensor:
    """Evidence of moved ground anywhere: a smooth maximum (logarithm of the mean exponential) over squares of the mask.

    Parameters
    ----------
    mask : (n, rows, columns) logits.
    data : of the same shape, 1 where there is data; a square of ``SQUARE`` pixels with less than a quarter of it does
        not count.

    Returns
    -------
    (n,) logits; -20 of a scene without data.
    """
    share = nn.functional.avg_pool2d(data, SQUARE)
    mean = nn.functional.avg_pool2d(mask * data, SQUARE) / share.clamp_min(0.25)
    squares = torch.where(share >= 0.25, mean, -20.0).flatten(1)
    return torch.as_tensor(squares.logsumexp(1) - math.log(squares.shape[1]))


class Transformer(nn.Module):
    """A small vision transformer; what it knows of each square also says which of the square's pixels moved."""

    def __init__(self, settings: DetectSettings) -> None:
        super().__init__()
        self.settings = settings
        made: dict[str, Any] = {"img_size": settings.pixels, "in_chans": len(DETECT_CHANNELS), "num_classes": 1}
        self.body: nn.Module = timm.models.vision_transformer.VisionTransformer(**SMALL_VIT, **made)
        self.pixels = nn.Linear(SMALL_VIT["embed_dim"], SMALL_VIT["patch_size"] ** 2)

    def forward(self, channels: Tensor) -> Found:
        """Look at (n, channels, pixels, pixels)."""
        side, square = channels.shape[-1] // SMALL_VIT["patch_size"], SMALL_VIT["patch_size"]
        tokens = self.body.forward_features(channels)  # type: ignore[operator]  # timm's own
        present = self.body.forward_head(tokens)  # type: ignore[operator]
        grid = self.pixels(tokens[:, 1:]).transpose(1, 2).reshape(len(channels), square**2, side, side)
        return Found(present[:, 0].float(), nn.functional.pixel_shuffle(grid, square)[:, 0].float())


class DualAttention(nn.Module):
    """Attention over places and over channels on ResNet-50's features at an eighth of the size (Fu et al. 2019)."""

    def __init__(self, settings: DetectSettings, *, width: int = 128) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = timm.create_model(
            "resnet50", in_chans=len(DETECT_CHANNELS), features_only=True, output_stride=8, pretrained=False
        )
        deep = cast(Any, self.encoder).feature_info.channels()[-1]
        self.narrow = nn.ModuleList(_convolution(deep, width) for _ in range(2))
        self.places, self.channels = PlaceAttention(width), ChannelAttention()
        self.after = nn.ModuleList(_convolution(width, width) for _ in range(2))
        self.mask, self.present = nn.Conv2d(width, 1, 1), nn.Linear(deep, 1)

    def forward(self, channels: Tensor) -> Found:
        """Look at (n, channels, rows, columns)."""
        deep = self.encoder(channels)[-1]
        parts = [attend(narrow(deep)) for attend, narrow in zip((self.places, self.channels), self.narrow, strict=True)]
        joined = sum(after(part) for part, after in zip(parts, self.after, strict=True))
        mask = nn.functional.interpolate(
            self.mask(joined), size=channels.shape[-2:], mode="bilinear", align_corners=False
        )
        return Found(self.present(deep.mean((2, 3)))[:, 0].float(), mask[:, 0].float())


class PlaceAttention(nn.Module):
    """Every place hears of all others that look alike; ``scale`` starts at 0, so that it is learned how much."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Conv2d(width, size, 1) for size in (width // 8, width // 8, width))
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, seen: Tensor) -> Tensor:
        """Keep the shape (n, width, rows, columns)."""
        query, key, value = (layer(seen).flatten(2) for layer in (self.query, self.key, self.value))
        weight = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        return torch.as_tensor(seen + self.scale * (value @ weight.transpose(1, 2)).view_as(seen))


class ChannelAttention(nn.Module):
    """Every channel hears of all others, most of those least like it, as the authors' own program has it."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, seen: Tensor) -> Tensor:
        """Keep the shape (n, width, rows, columns)."""
        flat = seen.flatten(2)
        likeness = flat @ flat.transpose(1, 2)
        weight = torch.softmax(likeness.amax(-1, keepdim=True) - likeness, dim=-1)
        return torch.as_tensor(seen + self.scale * (weight @ flat).view_as(seen))


class Ensemble(nn.Module):
    """Several networks asked together.

    Presence is the mean of their logits. The mask is the mean of their probabilities, or where they are to agree the
    least of them: the ground on which all say that it moved.
    """

    def __init__(self, parts: Sequence["Detector"], *, agree: bool) -> None:
        super().__init__()
        self.parts, self.agree = nn.ModuleList(parts), agree
        name = ("intersection of " if agree else "mean of ") + ", ".join(part.settings.network for part in parts)
        self.settings: DetectSettings = replace(parts[0].settings, network=name, temperature=1.0)

    def forward(self, channels: Tensor) -> Found:
        """Look at (n, channels, rows, columns)."""
        found = [part(channels) for part in self.parts]
        masks = torch.stack([one.mask for one in found if one.mask is not None]).sigmoid()
        joined = masks.amin(0) if self.agree else masks.mean(0)
        return Found(torch.stack([one.present for one in found]).mean(0), torch.logit(joined, eps=1e-6))


Detector = Classifier | Segmenter | Transformer | DualAttention | Ensemble


def build_detector(settings: DetectSettings, *, seed: int = 0) -> Detector:
    """Make a network with random weights, the same for the same seed.

    Raises
    ------
    ParameterError : no network of that name, or a side that it cannot look at.
    """
    name, known = settings.network, [*CLASSIFIERS, *SEGMENTERS]
    if name not in known:
        raise ParameterError(f"No network '{name}': there are {', '.join(known)}.")
    if settings.pixels < (96 if name == "unet-inceptionv3" else 32) or settings.pixels % 32:
        raise ParameterError(
            f"{name} cannot look at {settings.pixels} pixels a side: give a larger multiple of 32, such as 128."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "dual-attention":
            return DualAttention(settings)
        if name == "vit-small":
            return Transformer(settings)
        return Classifier(settings) if name in CLASSIFIERS else Segmenter(settings)


def _tell_no_data(stem: nn.Module) -> None:
    """Give ground without data, zero in all channels, an answer of its own: a layer norm would magnify nothing."""
    nn.init.normal_(cast(Tensor, stem.bias), std=0.3)


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
