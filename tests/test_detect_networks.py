"""The detectors: what they answer, that their seed decides them, and that their file comes back and runs nothing."""

import json
import math
import pickle
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from epi.errors import FileFormatError, ParameterError
from epi.learn.detect.channels import DETECT_CHANNELS
from epi.learn.detect.networks import (
    CLASSIFIERS,
    LIGHT,
    SEGMENTERS,
    ChannelAttention,
    DetectSettings,
    PlaceAttention,
    build_detector,
    strongest,
)
from epi.learn.detect.weights import load_detector, read_detector_card, save_detector
from epi.settings import settings

ALL = [*CLASSIFIERS, *SEGMENTERS]
SMALL = DetectSettings("vit-small", pixels=32)
FULL = DetectSettings(
    "unet-convnext", pixels=32, size_km=40.0, temperature=1.7, alarm=0.35, alarm_growth=0.4, threshold=0.6
)


def side(name):
    return 96 if name == "unet-inceptionv3" else 32


def seen(pixels=32, count=2, seed=0):
    return torch.randn(count, len(DETECT_CHANNELS), pixels, pixels, generator=torch.Generator().manual_seed(seed))


def answer(network, channels):
    with torch.inference_mode():
        return network.eval()(channels)


@pytest.mark.parametrize("name", ALL)
def test_every_network_answers_scene_by_scene(name):
    """One number a scene, a mask of the scene's size from those that say where; no scene hears of another."""
    pixels = side(name)
    network = build_detector(DetectSettings(name, pixels=pixels))
    channels = seen(pixels)
    found = answer(network, channels)
    assert tuple(found.present.shape) == (2,)
    assert found.present.isfinite().all()
    assert float(found.present[0]) != float(found.present[1])
    alone = answer(network, channels[1:])
    torch.testing.assert_close(alone.present, found.present[1:], atol=1e-4, rtol=1e-3)
    if name in CLASSIFIERS:
        assert found.mask is None
    else:
        assert tuple(found.mask.shape) == (2, pixels, pixels)
        assert float(found.mask.std()) > 0
        size = float(found.mask.abs().max())  # untrained, the Inception's is huge
        torch.testing.assert_close(alone.mask / size, found.mask[1:] / size, atol=1e-3, rtol=0)


def test_networks_say_whether_or_where():
    """Each is one or the other; those of the published systems are among them."""
    assert not set(CLASSIFIERS) & set(SEGMENTERS)
    assert {"vit-b16", "vit-small", "convnext"} <= set(ALL)
    assert {"unet-inceptionv3", "unet-vgg19", "unet-resnet50", "dual-attention"} <= set(SEGMENTERS)


def test_the_transformer_marks_the_pixels_of_its_squares():
    """What the token of a square says of its pixel lands there: row by row, from the square's north-west."""
    network = build_detector(SMALL, seed=0).eval()
    with torch.no_grad():
        network.pixels.weight.zero_()
        network.pixels.bias.copy_(torch.arange(64.0))
        mask = answer(network, seen(count=1)).mask[0]
    assert torch.equal(mask[8:16, 24:32], torch.arange(64.0).view(8, 8))
    network = build_detector(SMALL, seed=0).eval()
    tokens = torch.zeros(1, 17, 128)
    tokens[0, 1 + 4 * 1 + 3] = 1  # second row, fourth column
    network.body.forward_features = lambda _: tokens
    with torch.no_grad():
        lit = (answer(network, seen(count=1)).mask[0] - network.pixels.bias.view(8, 8).repeat(4, 4)).abs() > 1e-4
    assert lit[8:16, 24:32].any()
    lit[8:16, 24:32] = False
    assert not lit.any()


@pytest.mark.parametrize("name", ["vit-small", "convnext", "unet-convnext"])
def test_the_seed_alone_decides_the_first_weights(name):
    before = torch.random.get_rng_state()
    one, same, other = (build_detector(DetectSettings(name, pixels=32), seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(value, same[part]) for part, value in one.items())
    assert any(not torch.equal(value, other[part]) for part, value in one.items())


@pytest.mark.parametrize("name", ["convnext", "unet-convnext"])
def test_ground_without_data_is_answered_quietly(name):
    """Zero in all channels has an answer of its own; a norm of it alone would magnify a thousandth to any size."""
    network = build_detector(DetectSettings(name, pixels=32), seed=0)
    channels = torch.zeros(1, len(DETECT_CHANNELS), 32, 32)
    first, second = (answer(network, channels + shift) for shift in (0.0, 1e-3))
    assert float((first.present - second.present).abs()) < 0.01


def test_a_name_that_is_none_and_sides_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match=rf"No network 'toaster': there are {', '.join(ALL)}\."):
        build_detector(DetectSettings("toaster"))
    for name, pixels in (("vit-small", 0), ("vit-small", 40), ("unet-convnext", 16), ("unet-inceptionv3", 64)):
        with pytest.raises(ParameterError, match=rf"{name} cannot look at {pixels} pixels a side: give a larger"):
            build_detector(DetectSettings(name, pixels=pixels))


def test_places_hear_of_places_by_weights_that_add_up_to_one():
    """With the scale at 1, where all places say the same the answer is that once more; at 0 nothing is changed."""
    torch.manual_seed(0)
    attention = PlaceAttention(16)
    features = torch.randn(2, 16, 5, 6)
    assert attention.scale == 0
    assert torch.equal(attention(features), features)
    with torch.no_grad():
        attention.scale.fill_(1.0)
        attention.value.weight.zero_()  # all values are the bias: any weights that add up to one give the bias
        torch.testing.assert_close(
            attention(features) - features, attention.value.bias[:, None, None].expand(2, 16, 5, 6)
        )
        query, key = (layer(features).flatten(2) for layer in (attention.query, attention.key))
        rows = torch.softmax(query.transpose(1, 2) @ key, dim=-1)
        attention.value.weight.copy_(torch.eye(16)[:, :, None, None])
        attention.value.bias.zero_()
        told = torch.einsum("nij,ncj->nci", rows, features.flatten(2)).view_as(features)  # place i takes from place j
        torch.testing.assert_close(attention(features) - features, told, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(rows.sum(-1), torch.ones(2, 30))


def test_channels_hear_of_channels_by_weights_that_add_up_to_one():
    torch.manual_seed(0)
    attention = ChannelAttention()
    features = torch.randn(2, 8, 5, 6)
    assert attention.scale == 0
    assert torch.equal(attention(features), features)
    alike = features[:, :1].expand(2, 8, 5, 6)
    with torch.no_grad():
        attention.scale.fill_(1.0)
        torch.testing.assert_close(attention(alike), 2 * alike, atol=1e-5, rtol=1e-4)


def test_dual_attention_begins_as_if_there_were_none():
    network = build_detector(DetectSettings("dual-attention", pixels=32))
    assert network.places.scale == network.channels.scale == 0
    before = answer(network, seen())
    network.places, network.channels = torch.nn.Identity(), torch.nn.Identity()
    assert torch.equal(answer(network, seen()).mask, before.mask)


def test_weights_settings_and_card_come_back(tmp_path):
    network = build_detector(FULL, seed=3).eval()
    path = save_detector(network, tmp_path / "detector.safetensors", {"command": "make", "scores": {"f1": 0.9}})
    back = load_detector(path)
    assert back.settings == FULL
    assert not back.training
    assert read_detector_card(path) == {"command": "make", "scores": {"f1": 0.9}}
    kept = network.state_dict()
    for name, value in back.state_dict().items():
        torch.testing.assert_close(value, kept[name], atol=1e-6, rtol=2**-11)  # half of the last digit kept
    one, other = answer(network, seen()), answer(back, seen())
    torch.testing.assert_close(one.present.sigmoid(), other.present.sigmoid(), atol=2e-3, rtol=0)
    torch.testing.assert_close(one.mask.sigmoid(), other.mask.sigmoid(), atol=5e-3, rtol=0)
    sizes = {each.dtype for each in safetensors.torch.load_file(path).values() if each.is_floating_point()}
    assert sizes == {torch.float16}
    assert [each.name for each in tmp_path.iterdir()] == ["detector.safetensors"]


@pytest.fixture(scope="module")
def weights():
    return {name: value.half() for name, value in build_detector(SMALL).state_dict().items()}


def written(path, weights, **facts):
    told = {"detector": json.dumps(asdict(SMALL)), "card": "{}"} | facts
    safetensors.torch.save_file(weights, path, metadata={name: value for name, value in told.items() if value})
    return path


def refused(path, told):
    with pytest.raises(FileFormatError, match=told) as caught:
        load_detector(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_good_is_read(tmp_path, weights):
    assert load_detector(written(tmp_path / "good.safetensors", weights)).settings == SMALL


def test_no_file(tmp_path):
    refused(tmp_path / "gone.safetensors", r"No network .*: those that ship are data/detector\*\.safetensors")
    with pytest.raises(FileFormatError, match=r"give one of data/detector_\*\.safetensors\.$"):
        read_detector_card(tmp_path / "gone.safetensors")
    refused(tmp_path, "No network")  # a folder


def test_weights_of_another_kind(tmp_path):
    locator = settings().data / "locator.safetensors"
    told = r"does not hold weights of a detector \(it does not state its 'detector'\): give one of data/detector_\*"
    refused(locator, told)
    with pytest.raises(FileFormatError, match=r"it does not state its 'detector'"):
        read_detector_card(locator)
    (tmp_path / "text.safetensors").write_text("not weights")
    refused(tmp_path / "text.safetensors", "does not hold weights of a detector")


def test_a_file_cut_short(tmp_path, weights):
    path = written(tmp_path / "short.safetensors", weights)
    whole = path.read_bytes()
    for share in (0.0, 0.001, 0.5, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        refused(path, "does not hold weights of a detector")


def test_weights_of_another_architecture(tmp_path, weights):
    other = json.dumps(asdict(replace(SMALL, network="convnext")))
    refused(written(tmp_path / "a.safetensors", weights, detector=other), "of another architecture: ")
    larger = json.dumps(asdict(replace(SMALL, pixels=64)))
    refused(
        written(tmp_path / "b.safetensors", weights, detector=larger), r"of another architecture: size mismatch for"
    )
    fewer = {name: value for name, value in weights.items() if "blocks.5" not in name}
    refused(written(tmp_path / "c.safetensors", fewer), "of another architecture: Missing key")


def test_settings_that_are_none(tmp_path, weights):
    for told in (
        "{",
        '{"pixels": 32}',
        '{"network": "vit-small", "colour": 3}',
        '{"network": "vit-small", "pixels": "x"}',
    ):
        refused(written(tmp_path / "odd.safetensors", weights, detector=told), "does not hold weights of a detector")
    unknown = json.dumps(asdict(SMALL) | {"network": "toaster"})
    refused(written(tmp_path / "odd.safetensors", weights, detector=unknown), "No network 'toaster'")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(tmp_path, weights, value):
    spoilt = {name: part.clone() for name, part in weights.items()}
    spoilt["body.head.bias"][0] = value
    refused(
        written(tmp_path / "spoilt.safetensors", spoilt),
        r"holds weights that are not finite: give one of data/detector_\*",
    )


class Trap:
    """What would leave a mark if it were unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_nothing_in_a_file_is_executed(tmp_path):
    """A pickle, and torch's own archive of one, under the name of weights: refused, and the trap does not spring."""
    mark = tmp_path / "sprung"
    plain, archive = tmp_path / "plain.safetensors", tmp_path / "archive.safetensors"
    plain.write_bytes(pickle.dumps({"detector": Trap(mark)}))
    torch.save({"detector": Trap(mark)}, archive)
    for path in (plain, archive):
        refused(path, "does not hold weights of a detector")
        with pytest.raises(FileFormatError):
            read_detector_card(path)
    assert not mark.exists()
    pickle.loads(plain.read_bytes())  # the trap is a trap
    assert mark.exists()


def test_the_strongest_square_speaks_for_the_scene_and_ground_without_data_is_silent():
    mask, data = torch.full((3, 32, 32), -6.0), torch.ones(3, 32, 32)
    mask[1, 8:12, 16:20] = 9.0  # one whole square of 64
    mask[2, 8:12, 16:20] = 9.0
    data[2, 8:12, 16:20] = 0
    quiet, loud, hidden = strongest(mask, data).tolist()
    assert quiet == pytest.approx(-6)
    assert loud == pytest.approx(9 - math.log(64), abs=1e-3)
    assert hidden == pytest.approx(-6 + math.log(63 / 64), abs=1e-3)
    assert strongest(mask, torch.zeros_like(data)).tolist() == pytest.approx([-20.0] * 3)


@pytest.mark.parametrize("name", LIGHT)
def test_the_small_u_nets_hear_of_it(name):
    network = build_detector(DetectSettings(name, pixels=32)).eval()
    draw = torch.Generator().manual_seed(3)
    channels = torch.rand(2, 7, 32, 32, generator=draw)
    with torch.no_grad():
        before = network(channels)
        network.heard += 1
        after = network(channels)
    heard = strongest(before.mask, channels[:, 5])
    assert torch.allclose(after.present - before.present, heard, atol=1e-5)
    assert torch.equal(before.mask, after.mask)
