"""Where a network learns: numbers of 16 bits only where they are computed, and not imitated."""

import pytest
import torch

from epi.errors import ParameterError
from epi.learn import devices


@pytest.mark.parametrize(
    ("knows", "half", "name"),
    [(True, True, "bf16-mixed"), (False, True, "32-true"), (True, False, "32-true"), (False, False, "32-true")],
)
def test_half_precision_is_for_devices_that_know_it(monkeypatch, knows, half, name):
    monkeypatch.setattr(devices, "knows_half", lambda device: {"cpu": knows, "cuda": not knows}[device])
    assert devices.precision_of("cpu", half=half) == name


def test_half_precision_without_onednn_is_not_known(monkeypatch):
    assert devices.knows_half("cpu") in (True, False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert devices.knows_half("cpu") is False


def test_a_gpu_that_is_not_there_is_refused():
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="PyTorch sees no GPU here"):
            devices.device_of("cuda")
    with pytest.raises(ParameterError, match="device tpu was asked: give auto, cpu or cuda"):
        devices.device_of("tpu")
