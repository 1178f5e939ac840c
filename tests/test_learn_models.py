"""The network: its outputs, its seed, its checkpoint, and what happens when published weights are out of reach."""

import warnings

import pytest
import torch

from epi.errors import FileFormatError, ParameterError
from epi.learn import OffsetNetwork, Settings, load_network, models, save_network
from epi.learn.models import LEAST_SCALE_KM, WeightsUnreachable, backbone

SMALL = Settings(pixels=32, size_km=32.0)


def test_outputs_are_an_offset_and_a_positive_scale():
    network = OffsetNetwork(SMALL).eval()
    found = network(100 * torch.randn(5, 9, 32, 32))
    assert found.shape == (5, 3)
    assert (found[:, 2] >= LEAST_SCALE_KM).all()


def test_the_seed_alone_decides_the_first_weights():
    before = torch.random.get_rng_state()
    one, same, other = (OffsetNetwork(SMALL, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["backbone.conv1.weight"], other["backbone.conv1.weight"])


def test_checkpoint_comes_back(tmp_path):
    network = OffsetNetwork(Settings(pixels=32, size_km=32.0, ellipse_factor=7.5), seed=3).eval()
    back = load_network(save_network(network, tmp_path / "network.pt"))
    assert back.settings == network.settings
    seen = torch.randn(2, 9, 32, 32)
    assert torch.equal(back(seen), network(seen))


def test_checkpoints_of_another_kind_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"No checkpoint .*network\.pt: train the network first"):
        load_network(tmp_path / "network.pt")
    (tmp_path / "text.pt").write_text("not a checkpoint")
    with pytest.raises(FileFormatError, match="is not a checkpoint of this network"):
        load_network(tmp_path / "text.pt")
    torch.save(
        {"settings": {"architecture": "resnet34"}, "weights": OffsetNetwork(SMALL).state_dict()}, tmp_path / "a.pt"
    )
    with pytest.raises(FileFormatError, match="is not a checkpoint of this network") as caught:
        load_network(tmp_path / "a.pt")
    assert "\n" not in str(caught.value)


def test_published_weights_out_of_reach_give_random_ones_and_one_warning(monkeypatch):
    def unreachable(seconds=5.0):
        raise OSError("[Errno 101] Network is unreachable")

    monkeypatch.setattr(models, "_reach_hub", unreachable)
    with pytest.warns(WeightsUnreachable) as caught:
        network = backbone("resnet18", channels=9, outputs=3, weights="auto")
    assert len(caught) == 1
    assert "Published weights of resnet18 cannot be had ([Errno 101] Network is unreachable)" in str(caught[0].message)
    assert network(torch.zeros(2, 9, 32, 32)).shape == (2, 3)


def test_random_weights_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backbone("resnet18", channels=9, outputs=3)


def test_wishes_timm_cannot_grant():
    with pytest.raises(ParameterError, match=r"timm knows no architecture 'resnet1': try "):
        backbone("resnet1", channels=9, outputs=3)
    with pytest.raises(ParameterError, match=r"weights='imagenet' was asked: give None \(random\) or 'auto'"):
        backbone("resnet18", channels=9, outputs=3, weights="imagenet")
