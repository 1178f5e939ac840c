"""Training a network of the study, going on from a checkpoint, and its answers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from epi.errors import FileFormatError, ParameterError
from epi.learn.devices import device_of
from epi.learn.libraries import lightning, silent_lightning
from epi.learn.study.loader import Images, Samples, Scaling, measure_scaling
from epi.learn.study.loop import Keeper, Progress, Shuffled, Study
from epi.learn.study.networks import begin_network, build_network
from epi.learn.study.recipe import Recipe
from epi.learn.study.targets import Target
from epi.patches import assert_sound

Floats = NDArray[np.float64]

CHECKPOINT = "checkpoint.ckpt"
FIXED = ("model", "task", "channels", "target", "pixels", "loss", "seed", "batch", "rate", "precision", "weights")
"""What must be alike to go on from a checkpoint; the number of epochs may grow."""
LEAST = 2
"""Patches in a part: one alone has no spread, and makes no batch."""


@dataclass(frozen=True)
class Fitted:
    """A trained network with all it needs to answer, and its history: a row an epoch, measures of the watched part.

    ``began`` is what it began with: random weights, published ones, or random ones because those were out of reach.
    """

    recipe: Recipe
    network: nn.Module
    scaling: Scaling
    target: Target
    history: pd.DataFrame
    began: str


def fit(
    recipe: Recipe,
    images: Images,
    parts: pd.Series,
    *,
    folder: str | Path | None = None,
    table: pd.DataFrame | None = None,
    sound: bool = True,
    device: str = "auto",
    workers: int = 0,
    progress: Progress = lambda message: None,
) -> Fitted:
    """Train a network of the study, going on from the checkpoint in its folder where there is one.

    Parameters
    ----------
    recipe : what to train.
    images : of all patches, with their rows.
    parts : "train", "validation" or "test" of every row; scaling and target are fitted to the first alone, the second
        is watched and chooses nothing, the third is not touched.
    folder : of the checkpoint, written every ``recipe.checkpoint_every`` epochs; None keeps none.
    table : rows with other labels than those of ``images``.
    sound : whether labels that do not pass `epi.patches.assert_sound` are refused. To learn from faulty ones, as the
        published study did, say False.
    device : "cpu", "cuda", or "auto" for a GPU where there is one.
    workers : processes that read; 0 reads in this one.
    progress : called with a line an epoch.

    Returns
    -------
    The network after the last epoch. On a CPU at full precision, a run that was interrupted and resumed gives the same
    weights, bit for bit, as one that was not.

    Raises
    ------
    ParameterError : no GPU where one was asked for; a recipe that does not fit the patches; parts of other rows, or too
        few patches to train on or to watch.
    FileFormatError : the checkpoint is of another network or task.
    DownloadError : published weights and no others were asked for, and they cannot be had.
    PatchStoreError : values that are not finite, faulty labels, or no centres for a network that is told them.
    """
    accelerator = device_of(device)
    rows = images.table if table is None else table
    if len(pixels := set(rows["pixels"])) != 1 or recipe.pixels not in pixels:
        raise ParameterError(f"Patches of {sorted(pixels)} pixels for a network of {recipe.pixels}: make them alike.")
    chosen = _chosen(images, rows, parts)
    if sound:
        assert_sound(rows)
    target = Target.of(recipe.task, recipe.target, rows.iloc[chosen["train"]])
    scaling = measure_scaling(images, chosen["train"].tolist(), signed=recipe.task == "epicentre")
    path = None if folder is None else Path(folder) / CHECKPOINT
    resume = path if path is not None and path.is_file() else None
    network, began = _resumed(resume, recipe) if resume else begin_network(recipe)
    kept = {"recipe": asdict(recipe), "scaling": list(scaling), "target": asdict(target), "began": began}
    study = Study(_channels_last(network), recipe, kept)
    loaders = {}
    for part, numbers in chosen.items():
        seen = Samples(images, numbers.tolist(), target.write(rows.iloc[numbers]), scaling, channels=recipe.channels)
        order = Shuffled(len(seen), recipe.seed) if part == "train" else None
        loaders[part] = DataLoader(
            seen,
            recipe.batch,
            sampler=order,
            collate_fn=_as_it_is,
            num_workers=workers,
            drop_last=len(seen) % recipe.batch == 1,
        )
    options: dict[str, Any] = {"devices": 1, "precision": recipe.precision, "num_sanity_val_steps": 0}
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    options |= dict.fromkeys(off, False)
    with silent_lightning(), torch.random.fork_rng(devices=[]):
        keeper = Keeper(path, recipe.checkpoint_every, progress)
        trainer = lightning.Trainer(max_epochs=recipe.epochs, accelerator=accelerator, callbacks=[keeper], **options)
        trainer.fit(study, loaders["train"], loaders["validation"], ckpt_path=resume, weights_only=True)
    return Fitted(recipe, study.network.cpu().eval(), scaling, target, pd.DataFrame(study.rows), began)


def predict(fitted: Fitted, images: Images, rows: Sequence[int], *, batch: int = 64, device: str = "cpu") -> Floats:
    """Answers of a trained network, (rows, outputs): km, or degrees of latitude and longitude."""
    table = images.table.iloc[list(rows)]
    where = device_of(device)
    unknown = np.full((len(table), fitted.recipe.outputs), np.nan)
    seen = Samples(images, rows, unknown, fitted.scaling, channels=fitted.recipe.channels)
    network = fitted.network.to(where)
    said = []
    with torch.inference_mode():
        for first in range(0, len(seen), batch):
            inputs, _ = seen.__getitems__(list(range(first, min(first + batch, len(seen)))))
            said.append(network(inputs.to(where).contiguous(memory_format=torch.channels_last)).float().cpu())
    return fitted.target.read(torch.cat(said).numpy().astype(float), table)


def load_checkpoint(path: str | Path, recipe: Recipe | None = None) -> Fitted:
    """Read a network from a checkpoint of `fit`, ready to answer.

    Parameters
    ----------
    path : the checkpoint.
    recipe : what it should be of; None takes it as it is.

    Raises
    ------
    FileFormatError : no such file, not a checkpoint of the study, or one of another network or task.
    """
    source = Path(path)
    found = _open(source)
    kept = found["study"]
    made = Recipe(**kept["recipe"])
    if recipe is not None:
        _check_same(found, recipe, source)
    network = build_network(replace(made, weights=None))
    beginning = "network."
    weights = {
        name[len(beginning) :]: value for name, value in found["state_dict"].items() if name.startswith(beginning)
    }
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise FileFormatError(f"{source} does not hold the weights of {made.model}: train it again.") from error
    scaling = Scaling(tuple(kept["scaling"][0]), tuple(kept["scaling"][1]), bool(kept["scaling"][2]))
    said = kept["target"]
    target = Target(said["task"], said["kind"], tuple(said["shift"]), tuple(said["scale"]))
    return Fitted(made, _channels_last(network).eval(), scaling, target, pd.DataFrame(kept["history"]), kept["began"])


def _chosen(images: Images, rows: pd.DataFrame, parts: pd.Series) -> dict[str, NDArray[np.intp]]:
    """Positions of the patches that are trained on and of those that are watched; ParameterError where one has none."""
    if len(rows) != len(images.table) or not parts.index.equals(rows.index):
        raise ParameterError(
            f"{len(parts)} parts and {len(rows)} labels for {len(images.table)} patches: give each patch one of both, "
            "under the same index."
        )
    chosen = {part: np.flatnonzero(parts.to_numpy() == part) for part in ("train", "validation")}
    for part, numbers in chosen.items():
        if len(numbers) < LEAST:
            raise ParameterError(f"{len(numbers)} patches are in the part {part!r}: at least {LEAST} are needed.")
    return chosen


def _as_it_is(batch: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401  # torch takes it for a list
    """A batch is read whole."""
    inputs, answers = batch
    return inputs, answers


def _channels_last(network: nn.Module) -> nn.Module:
    """Keep the weights in the order in which a processor convolves fastest."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _open(path: Path) -> dict[str, Any]:
    """Read a checkpoint of the study."""
    if not path.is_file():
        raise FileFormatError(f"No checkpoint {path}: train the network first.")
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        Recipe(**found["study"]["recipe"])
        str(found["study"]["began"])
    except Exception as error:  # torch raises many kinds for a file it did not write
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(
            f"{path} is not a checkpoint of the study ({reason}): train the network again."
        ) from error
    return found


def _resumed(path: Path, recipe: Recipe) -> tuple[nn.Module, str]:
    """A network for the weights of a checkpoint, and what those began with."""
    found = _open(path)
    _check_same(found, recipe, path)
    return build_network(replace(recipe, weights=None)), found["study"]["began"]


def _check_same(found: dict[str, Any], recipe: Recipe, path: Path) -> None:
    """Refuse a checkpoint of another network, input, task or course of training."""
    there = found["study"]["recipe"]
    other = [
        f"{name} {there[name]!r}, not {getattr(recipe, name)!r}"
        for name in FIXED
        if there[name] != getattr(recipe, name)
    ]
    if other:
        raise FileFormatError(f"{path} is the checkpoint of another run ({'; '.join(other)}): choose another folder.")
    if found["epoch"] > recipe.epochs:
        raise FileFormatError(f"{path} has gone {found['epoch']} epochs, and {recipe.epochs} were asked: ask for more.")
