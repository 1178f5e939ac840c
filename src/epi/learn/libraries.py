"""The one door to torchvision and to what imports it: timm, smp, lightning, torchmetrics, torchgeo.

A CPU build of torch beside PyPI's torchvision cannot load torchvision's compiled operators, and ``import torchvision``
stops with ``operator torchvision::nms does not exist``, which takes the others with it. Nothing in this
project uses those operators, so it is enough to declare their signatures and to import again. That is done
when, and only when, the plain import fails in exactly this way; a torchvision that works is left as it is.
"""

import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch

OPERATORS = {
    "torchvision::nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "torchvision::qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
"""Signatures of the operators that torchvision's Python code expects to exist, as in torchvision/csrc/ops/nms.cpp."""

BROKEN = "operator torchvision::nms does not exist"
"""The one failure that is mended."""


def import_torchvision(
    importer: Callable[[str], ModuleType] = importlib.import_module,
    declare: Callable[[str, str], object] = torch.library.define,
) -> ModuleType:
    """Import torchvision, declaring its missing operators first if the plain import says they are missing.

    Parameters
    ----------
    importer, declare : how a module is imported and how an operator's signature is declared.

    Returns
    -------
    The module. Its transforms and models work; its compiled operators (``torchvision.ops.nms``) still do not.

    Raises
    ------
    RuntimeError, ImportError : torchvision fails in any other way; nothing was changed.
    """
    try:
        return importer("torchvision")
    except RuntimeError as error:
        if BROKEN not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]  # the half of the package that was imported before it failed
    for operator, signature in OPERATORS.items():
        declare(operator, signature)
    return importer("torchvision")


torchvision = import_torchvision()

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="IProgress not found")  # tqdm, in a notebook without its widgets
    import lightning
    import segmentation_models_pytorch as smp
    import timm
    import torchmetrics


@contextmanager
def silent_lightning() -> Iterator[None]:
    """Keep lightning from advertising, and from warning about what is so on purpose."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")  # reading costs less than a worker
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)  # lightning's own, with torch
        warnings.filterwarnings("ignore", message=".*The number of training batches.*")  # of its log, which is off
        try:
            yield
        finally:
            log.setLevel(level)


def import_quakeset() -> Any:  # noqa: ANN401  # a class of a package without types
    """Torchgeo's ``QuakeSet``, imported when it is first wanted: torchgeo brings half a dozen other packages along."""
    from torchgeo.datasets import QuakeSet

    return QuakeSet


__all__ = [
    "import_quakeset",
    "import_torchvision",
    "lightning",
    "silent_lightning",
    "smp",
    "timm",
    "torchmetrics",
    "torchvision",
]
