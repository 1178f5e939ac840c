"""Networks whose answers are known, for the tests of what is made of them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from epi.learn.detect.channels import DETECT_CHANNELS
from epi.learn.detect.networks import DetectSettings, Found


class Known(nn.Module):
    """Answers what it is told to of the channels it sees."""

    def __init__(
        self,
        mask: Callable[[dict[str, Tensor]], Tensor] | None,
        present: Callable[[dict[str, Tensor]], Tensor] = lambda seen: seen["data"].mean((1, 2)) * 0 + 2.0,
        **settings: object,
    ) -> None:
        super().__init__()
        self.settings = DetectSettings(**{"network": "known", "pixels": 32} | settings)
        self.anchor = nn.Parameter(torch.zeros(1))  # what asks a network where it lies asks its weights
        self.mask, self.present = mask, present

    def forward(self, channels: Tensor) -> Found:
        """Look at (n, channels, pixels, pixels)."""
        seen = {name: channels[:, n] for n, name in enumerate(DETECT_CHANNELS)}
        return Found(self.present(seen), self.mask(seen) if self.mask else None)
