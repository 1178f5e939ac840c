"""Going on with labelled scenes: nobody is judged by a network that saw the earthquake."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from epi.errors import ParameterError
from epi.learn import detect
from epi.simulate import Conditions, labelled, simulate_scene


@pytest.fixture(scope="module")
def network():
    return detect.build_detector(detect.DetectSettings("vit-small", pixels=32))


@pytest.fixture(scope="module")
def scenes():
    made = next(labelled.labelled_scenes(labelled.SHIFTED, 3, pixels=32))
    return detect.label_simulated(made, [f"event {n % 4}" for n in range(len(made))])


def weights(network) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in network.parameters()])


def test_the_event_left_out_does_not_matter(network, scenes):
    first = detect.fine_tune(network, scenes, leave_out="event 1", steps=3, batch=8)
    others = [scene for scene in scenes if scene.event != "event 1"]
    spoilt = [detect.Labelled(one.event, -one.channels, ~one.mask, one.valid, not one.present)
              if one.event == "event 1" else one for one in scenes]  # fmt: skip
    assert torch.equal(
        weights(first), weights(detect.fine_tune(network, spoilt, leave_out="event 1", steps=3, batch=8))
    )
    assert torch.equal(weights(first), weights(detect.fine_tune(network, others, leave_out=None, steps=3, batch=8)))
    assert not torch.equal(weights(first), weights(detect.fine_tune(network, scenes, leave_out=None, steps=3, batch=8)))


def test_presence_is_not_learned_from_earthquakes_as_weak_as_air(network):
    """What is said of scenes that do not count does not matter; it would of the others."""
    made = next(labelled.labelled_scenes(labelled.SHIFTED, 3, pixels=32))
    scenes = detect.label_simulated(made, ["here"] * len(made))
    fringes = made.peak_m / (made.wavelength_m / 2)
    assert [scene.counts for scene in scenes] == (~made.present | (fringes > 0.5)).tolist()
    assert 0 < sum(scene.counts for scene in scenes) < len(scenes)

    def learned(doubted: bool | None) -> torch.Tensor:
        told = [replace(one, present=one.present != (one.counts == doubted)) for one in scenes]
        return weights(detect.fine_tune(network, told, leave_out=None, steps=3, batch=8))

    as_labelled = learned(None)
    assert torch.equal(as_labelled, learned(False))
    assert not torch.equal(as_labelled, learned(True))
    with pytest.raises(ParameterError, match=r"1 names of events were given for 64 scenes"):
        detect.label_simulated(made, ["here"])


def test_the_network_it_began_with_stays(network, scenes):
    before = weights(network).clone()
    detect.fine_tune(network, scenes, leave_out="event 0", steps=2, batch=8)
    assert torch.equal(weights(network), before)


def test_it_learns_what_it_is_shown(network, scenes):
    after = detect.fine_tune(network, scenes, leave_out=None, steps=240, rate=1e-3, batch=16)
    channels = torch.stack([scene.channels for scene in scenes])
    present = torch.tensor([float(scene.present) for scene in scenes])
    losses = [
        float(torch.nn.functional.binary_cross_entropy_with_logits(detect.look(each, channels)[0], present))
        for each in (network, after)
    ]
    assert losses[1] < 0.9 * losses[0]


def test_every_event_is_left_out_once(network, scenes):
    table = detect.leave_one_out(network, scenes, steps=1)
    assert len(table) == len(scenes)
    assert table["event"].nunique() == 4
    for name in ("present", "counts"):
        assert table[name].sum() == sum(getattr(scene, name) for scene in scenes)
    assert (table["both_before"] <= table["either_before"]).all()


def test_bad_labels_are_refused(network, scenes):
    with pytest.raises(
        ParameterError, match="No event 'event 9' among the labelled scenes: there are event 0, event 1"
    ):
        detect.fine_tune(network, scenes, leave_out="event 9")
    with pytest.raises(ParameterError, match="Every labelled scene is of the event that is left out"):
        detect.fine_tune(network, [scenes[0]], leave_out="event 0")
    other = detect.build_detector(detect.DetectSettings("vit-small", pixels=64))
    with pytest.raises(ParameterError, match="must have 64 pixels a side"):
        detect.fine_tune(other, scenes, leave_out="event 0")


def test_a_real_scene_is_labelled_on_the_networks_pixels(network):
    scene = simulate_scene(None, Conditions(no_data=0.0), seed=1, spacing_m=400, size_km=60, unwrapped=True).product
    east = np.abs(scene["x"].to_numpy())[None, :] < 8000
    mask = np.broadcast_to(east, (150, 150))
    made = detect.label_scene(network, scene, mask, event="here", present=True)
    assert made.channels.shape == (7, 32, 32)
    assert made.counts
    assert made.mask.float().mean() == pytest.approx(16 / 51.2, abs=0.05)
    assert not made.mask[:, 0].any()
    corner = np.zeros((150, 150), dtype=bool)
    corner[scene["y"].to_numpy() > 10_000] = True  # the north, wherever its rows are
    assert scene["y"].to_numpy()[0] < scene["y"].to_numpy()[-1]
    for turned, marked in ((scene, corner), (scene.isel(y=slice(None, None, -1)), corner[::-1])):
        upright = detect.label_scene(network, turned, marked, event="here", present=True)
        assert upright.mask[:7].all()
        assert not upright.mask[12:].any()
    with pytest.raises(ParameterError, match=r"A mask of \(3, 3\) pixels was given"):
        detect.label_scene(network, scene, np.ones((3, 3), bool), event="here", present=True)
    with pytest.raises(ParameterError, match="its mask is empty"):
        detect.label_scene(network, scene, np.zeros((150, 150), bool), event="here", present=True)
