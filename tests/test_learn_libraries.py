"""The door to torchvision: mended when it is broken in the one known way, left alone otherwise."""

import subprocess
import sys
from types import ModuleType

import pytest

from epi.learn.libraries import BROKEN, OPERATORS, import_torchvision


class Importer:
    """Stands in for the import system: fails as often as told, then gives a module."""

    def __init__(self, *failures):
        self.failures, self.asked = list(failures), []

    def __call__(self, name):
        self.asked.append(name)
        if self.failures:
            raise self.failures.pop(0)
        return ModuleType(name)


def test_a_working_torchvision_is_left_as_it_is():
    declared, importer = [], Importer()
    assert import_torchvision(importer, lambda *operator: declared.append(operator)).__name__ == "torchvision"
    assert importer.asked == ["torchvision"]
    assert not declared


def test_a_torchvision_without_its_operators_is_mended_and_imported_again(monkeypatch):
    half = ModuleType("torchvision.half")
    monkeypatch.setitem(sys.modules, "torchvision.half", half)
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "torchvision"}
    declared, importer = [], Importer(RuntimeError(BROKEN))
    try:
        import_torchvision(importer, lambda *operator: declared.append(operator))
        assert "torchvision.half" not in sys.modules
    finally:
        sys.modules.update(kept)
    assert importer.asked == ["torchvision", "torchvision"]
    assert declared == list(OPERATORS.items())


@pytest.mark.parametrize("error", [RuntimeError("operator torchvision::roi_align does not exist"), ImportError("none")])
def test_any_other_failure_is_not_touched(error):
    declared = []
    with pytest.raises(type(error), match=str(error)):
        import_torchvision(Importer(error), lambda *operator: declared.append(operator))
    assert not declared


def test_still_broken_after_mending_is_an_error():
    with pytest.raises(RuntimeError, match="nms does not exist"):
        import_torchvision(Importer(RuntimeError(BROKEN), RuntimeError(BROKEN)), lambda *_: None)


def test_in_a_fresh_process_all_four_work_without_a_warning():
    """Whatever torch and torchvision are installed here: transforms, a network, a metric and a trainer."""
    script = """
from epi.learn.libraries import lightning, timm, torchmetrics, torchvision
import torch
image = torch.rand(3, 8, 8)
assert torch.equal(torchvision.transforms.functional.hflip(image), image.flip(-1))
assert timm.create_model("resnet18", in_chans=5, num_classes=2).eval()(torch.zeros(1, 5, 32, 32)).shape == (1, 2)
metric = torchmetrics.MeanMetric(); metric.update(3.0); assert metric.compute() == 3
assert issubclass(lightning.LightningModule, torch.nn.Module)
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_learning_is_not_loaded_until_it_is_used():
    script = """
import sys, epi.learn
assert "torch" not in sys.modules
assert epi.learn.train_network.__module__ == "epi.learn.train" and "torch" in sys.modules
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_unknown_name_of_the_subpackage():
    import epi.learn

    with pytest.raises(AttributeError, match="no name 'trian'"):
        _ = epi.learn.trian
