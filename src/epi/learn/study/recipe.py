"""One run of the study: which network is asked what, what it is shown, and how it is trained."""

from dataclasses import dataclass
from typing import Any

from epi.errors import ParameterError

MODELS = ("resnet18", "resnet50", "convnext_tiny", "vit_base_patch16_224")
"""Networks of the published study, by their names in timm."""

RATES = {"resnet": 1e-3, "convnext": 1e-5, "vit": 1e-4}
"""Published learning rate of each family."""

TASKS = {"distance": 1, "epicentre": 2}
"""What is asked of a patch, with the number of outputs: km to the epicentre, or its latitude and longitude."""

TARGETS = {
    "distance": ("raw", "hundred_km", "normalised"),
    "epicentre": ("raw", "normalised", "offset"),
}
"""How the answer is written for the network: as it is (km or degrees); in units of 100 km; less the mean and over the
standard deviation of the training labels; or, which was not published, as kilometres east and north of the centre."""

LOSSES = ("combined", "mse")
WEIGHTS = (None, "auto", "published")
"""First weights: random; those timm publishes, where they can be had; or those and no others."""
PRECISIONS = ("32-true", "bf16-mixed")
CHANNELS = (3, 5)
"""Coherence, i and q; or these and two planes that hold the normalised latitude and longitude of the patch's centre."""

PUBLISHED: dict[str, Any] = {"epochs": 30, "batch": 16, "checkpoint_every": 5}
"""What every published run had in common, besides AdamW and a rate that falls by 5 % an epoch."""

DECAY = 0.95


@dataclass(frozen=True)
class Recipe:
    """What one network of the study is, and how it is trained; kept in its checkpoint.

    Attributes
    ----------
    model : a name timm knows.
    task : a key of ``TASKS``.
    channels : 3 or 5, see ``CHANNELS``.
    target : one of ``TARGETS`` of the task.
    loss : "combined" (0.7 of the mean square and 0.3 of the smooth absolute error) or "mse".
    pixels : side of a patch.
    epochs, batch, checkpoint_every : of training; epochs between two checkpoints.
    rate : learning rate; None takes the published one of the family.
    weights : one of ``WEIGHTS``.
    precision : "32-true", or "bf16-mixed", which is faster on some processors and never repeats bit for bit.
    seed : of the first weights and the order of the patches.
    """

    model: str = "resnet18"
    task: str = "distance"
    channels: int = 5
    target: str = "hundred_km"
    loss: str = "combined"
    pixels: int = 256
    epochs: int = PUBLISHED["epochs"]
    batch: int = PUBLISHED["batch"]
    checkpoint_every: int = PUBLISHED["checkpoint_every"]
    rate: float | None = None
    weights: str | None = None
    precision: str = "32-true"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what the study does not know, before anything is computed."""
        known: dict[str, tuple[object, ...]] = {
            "task": tuple(TASKS),
            "channels": CHANNELS,
            "target": TARGETS.get(self.task, ()),
            "loss": LOSSES,
            "weights": WEIGHTS,
            "precision": PRECISIONS,
        }
        for name, choices in known.items():
            if getattr(self, name) not in choices:
                raise ParameterError(
                    f"{name}={getattr(self, name)!r} was asked for the task {self.task!r}: "
                    f"choose one of {', '.join(map(repr, choices))}."
                )
        for name in ("pixels", "epochs", "batch", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ParameterError(f"{name}={getattr(self, name)} was asked: give at least 1.")

    @property
    def outputs(self) -> int:
        """How many numbers the network answers with."""
        return TASKS[self.task]

    @property
    def learning_rate(self) -> float:
        """The rate asked for, or the published one of the model's family."""
        if self.rate is not None:
            return self.rate
        for family, rate in RATES.items():
            if family in self.model:
                return rate
        raise ParameterError(f"No rate was published for {self.model!r} ({', '.join(RATES)} have one): give a rate.")

    @property
    def name(self) -> str:
        """A short name for files and tables."""
        return f"{self.task}-{self.model}-{self.channels}ch-{self.target}-{self.loss}"
