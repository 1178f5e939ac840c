"""Where a transformer looked: the weights it really used, followed through its layers; maps, boxes, what they hit."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from epi.errors import ParameterError
from epi.learn.detect.attention import (
    Box,
    attention_weights,
    box_iou,
    boxes,
    cover_squares,
    enlarge,
    gradient_map,
    head_maps,
    points_at,
    rollout,
)
from epi.learn.detect.channels import DETECT_CHANNELS, scene_channels
from epi.learn.detect.data import block_of
from epi.learn.detect.networks import DetectSettings, build_detector
from epi.learn.detect.weights import load_detector
from epi.settings import settings
from epi.simulate.labelled import FROZEN


def seen(pixels=32, count=3, seed=0):
    return torch.randn(count, len(DETECT_CHANNELS), pixels, pixels, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def network():
    """Not trained, its queries and keys made larger: attention differs from place to place."""
    made = build_detector(DetectSettings("vit-small", pixels=32), seed=1).eval()
    with torch.no_grad():
        for block in made.body.blocks:
            block.attn.qkv.weight.mul_(8)
    return made


@pytest.fixture(scope="module")
def weights(network):
    return attention_weights(network, seen())


def test_rows_add_up_to_one_in_every_layer_and_head(weights):
    """Four heads in six layers; one token of the scene and sixteen of its squares."""
    assert tuple(weights.shape) == (6, 3, 4, 17, 17)
    assert float(weights.min()) >= 0
    torch.testing.assert_close(weights.sum(-1), torch.ones(6, 3, 4, 17), atol=1e-5, rtol=0)
    assert float(weights.max()) > 0.2  # and they are not all alike


def test_weights_are_those_of_the_first_layers_queries_and_keys(network, weights):
    """Worked out again from the tokens that go in."""
    body = network.body
    with torch.inference_mode():
        tokens = body.norm_pre(body._pos_embed(body.patch_embed(seen())))
        layer = body.blocks[0].attn
        query, key, _ = layer.qkv(body.blocks[0].norm1(tokens)).unflatten(-1, (3, 4, 32)).permute(2, 0, 3, 1, 4)
        expected = torch.softmax(query @ key.transpose(-2, -1) / 32**0.5, dim=-1)
    torch.testing.assert_close(weights[0], expected, atol=1e-5, rtol=1e-4)


def test_looking_does_not_change_the_network(network, monkeypatch):
    """The quick way of attention is taken again afterwards, also where looking failed; the answer is the same."""
    layers = [block.attn for block in network.body.blocks]
    for layer, fused in zip(layers, (True, False) * 3, strict=True):
        monkeypatch.setattr(layer, "fused_attn", fused)
    with torch.inference_mode():
        before = network(seen()).present
    attention_weights(network, seen())
    with pytest.raises((AssertionError, RuntimeError)):
        attention_weights(network, seen(pixels=24))
    assert [layer.fused_attn for layer in layers] == [True, False] * 3
    assert all(not layer.attn_drop._forward_pre_hooks for layer in layers)
    with torch.inference_mode():
        torch.testing.assert_close(network(seen()).present, before)


def test_maps_are_what_the_scenes_token_takes(weights):
    """By squares, row by row from the north-west."""
    maps = head_maps(weights)
    assert tuple(maps.shape) == (6, 3, 4, 4, 4)
    assert torch.equal(maps[2, 1, 3, 1, 2], weights[2, 1, 3, 0, 1 + 4 * 1 + 2])
    torch.testing.assert_close(maps.sum((-2, -1)), 1 - weights[..., 0, 0])


def test_squares_are_counted_from_the_north_west(network):
    """What is put into one square changes the token of that square and of no other before the first layer."""
    body = network.body
    plain, marked = seen(count=1), seen(count=1)
    marked[:, :, 8:16, 24:32] += 1  # second row, fourth column
    with torch.inference_mode():
        apart = (body.patch_embed(marked) - body.patch_embed(plain)).abs().sum(-1)[0]
    assert torch.nonzero(apart > 1e-4).ravel().tolist() == [4 * 1 + 3]


def test_rollout_adds_up_to_one(weights):
    found = rollout(weights)
    assert tuple(found.shape) == (3, 4, 4)
    assert float(found.min()) > 0
    torch.testing.assert_close(found.sum((1, 2)), torch.ones(3), atol=1e-5, rtol=0)


def test_rollout_stays_on_the_device_of_the_weights():
    """A device without memory stands in for a GPU: mixed with the CPU's it is refused too."""
    assert rollout(torch.empty(2, 1, 2, 5, 5, device="meta")).device.type == "meta"


def test_rollout_of_two_layers_by_hand():
    """Two layers of two heads over four squares: (A2 + I)/2 times (A1 + I)/2, the scene's row, without itself."""
    draw = np.random.default_rng(0).random((2, 1, 2, 5, 5))
    draw /= draw.sum(-1, keepdims=True)
    first, second = ((each.mean(0) + np.eye(5)) / 2 for each in draw[:, 0])
    expected = np.array([sum(second[0, j] * first[j, k] for j in range(5)) for k in range(1, 5)])
    found = rollout(torch.from_numpy(draw))
    np.testing.assert_allclose(found[0].numpy().ravel(), expected / expected.sum(), rtol=1e-10)


def test_rollout_of_layers_that_look_at_one_square():
    """Where every token looks at square 3, the scene's token does."""
    weights = torch.zeros(2, 1, 1, 5, 5)
    weights[..., 3] = 1
    assert rollout(weights)[0].ravel().tolist() == [0, 0, 1, 0]


def test_a_network_without_attention_has_none_to_show():
    convolving = build_detector(DetectSettings("convnext", pixels=32))
    with pytest.raises(ParameterError, match=r"convnext is no vision transformer: it has no attention to show"):
        attention_weights(convolving, seen())


@pytest.mark.parametrize("name", ["convnext", "unet-convnext", "dual-attention"])
def test_gradient_maps_lie_between_nought_and_one(name):
    network = build_detector(DetectSettings(name, pixels=64), seed=2)
    found = gradient_map(network, seen(64))
    side = 8 if name == "dual-attention" else 2
    assert tuple(found.shape) == (3, side, side)
    assert float(found.min()) >= 0
    largest = found.amax((1, 2))
    assert ((largest == 0) | (largest - 1).abs().lt(1e-6)).all()
    assert not found.requires_grad


def test_a_gradient_map_is_the_features_weighted_by_their_slope():
    """Where the answer is a weighted mean of the features, the weights are the slope (Selvaraju et al. 2017)."""
    network = build_detector(DetectSettings("convnext", pixels=64), seed=0).eval()
    told = torch.linspace(-1, 1, network.body.num_features)
    network.body.head = nn.Identity()
    network.body.forward_head = lambda features: (features * told[:, None, None]).sum(1).mean((1, 2))[:, None]
    with torch.no_grad():
        features = network.body.forward_features(seen(64))
        features = network.body.norm_pre(features) if not hasattr(network.body, "stages") else features
    found = gradient_map(network, seen(64))
    with torch.no_grad():
        last = network.body.stages(network.body.stem(seen(64)))
    expected = (last * told[:, None, None]).sum(1).clamp_min(0)
    expected = expected / expected.amax((1, 2), keepdim=True).clamp_min(1e-12)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_a_transformer_has_no_gradient_map(network):
    with pytest.raises(ParameterError, match=r"has features on a map: of a transformer, ask"):
        gradient_map(network, seen())


def test_small_maps_are_enlarged_smoothly():
    """Each value stays in the middle of its square; a plane stays a plane between the centres."""
    plane = (torch.arange(4.0)[None, :] + 10 * torch.arange(4.0)[:, None])[None]
    found = enlarge(plane, 32)
    assert tuple(found.shape) == (1, 32, 32)
    middle = found[0, 4:28, 4:28]
    torch.testing.assert_close(middle.diff(dim=1), torch.full((24, 23), 1 / 8))
    torch.testing.assert_close(middle.diff(dim=0), torch.full((23, 24), 10 / 8))
    torch.testing.assert_close(
        found.unflatten(1, (4, 8)).unflatten(3, (4, 8)).mean((2, 4))[0, 1:3, 1:3], plane[0, 1:3, 1:3]
    )


MAP = np.array(
    [
        [0.9, 0.8, 0.1, 0.1, 0.1, 0.1],
        [0.1, 0.1, 0.7, 0.1, 0.1, 0.6],
        [0.1, 0.1, 0.1, 0.1, 0.1, np.nan],
        [0.1, 0.1, 0.1, 0.1, 0.9, 0.9],
    ]
)


def test_boxes_go_around_connected_areas():
    """Corners connect; a pixel that is no number does not; the largest area comes first, the smallest are left out."""
    assert boxes(MAP, 0.5, least=1) == [Box(0, 0, 2, 3), Box(3, 4, 4, 6), Box(1, 5, 2, 6)]
    assert boxes(MAP, 0.5, least=2) == [Box(0, 0, 2, 3), Box(3, 4, 4, 6)]
    assert boxes(MAP, 0.5, least=3) == [Box(0, 0, 2, 3)]
    assert boxes(MAP, 0.9, least=1) == [Box(3, 4, 4, 6), Box(0, 0, 1, 1)]
    assert boxes(MAP, 0.95, least=1) == []
    assert boxes(np.full((4, 4), np.nan), 0.0, least=1) == []


def test_overlap_of_a_box_and_the_box_around_a_mask():
    mask = np.zeros((10, 10), dtype=bool)
    mask[2, 3] = mask[5, 6] = True  # rows 2 to 5, columns 3 to 6
    assert box_iou(Box(2, 3, 6, 7), mask) == 1
    assert box_iou(Box(4, 5, 8, 9), mask) == pytest.approx(4 / (16 + 16 - 4))
    assert box_iou(Box(0, 0, 10, 10), mask) == pytest.approx(0.16)
    assert box_iou(Box(6, 7, 9, 9), mask) == 0
    assert box_iou(Box(2, 3, 6, 7), np.zeros_like(mask)) == 0


def test_the_pointing_game():
    mask = np.zeros(MAP.shape, dtype=bool)
    mask[3, 4] = True
    assert not points_at(MAP, mask)
    higher = MAP.copy()
    higher[3, 4] = 2
    assert points_at(higher, mask)


def test_covered_squares_look_like_no_data_and_no_others():
    channels = torch.ones(2, 7, 12, 12)
    chosen = torch.zeros(2, 3, 3, dtype=torch.bool)
    chosen[0, 0, 2] = chosen[1, 2, 1] = True
    expected = torch.ones(2, 7, 12, 12)
    expected[0, :, 0:4, 8:12] = 0
    expected[1, :, 8:12, 4:8] = 0
    assert torch.equal(cover_squares(channels, chosen, 4), expected)
    assert (channels == 1).all()


def test_masking_what_was_attended_changes_more_than_masking_anything():
    """128 scenes of the frozen test with an earthquake above one fringe; 12 of 144 squares, among those with data."""
    path = settings().data / "detector_vit_small.safetensors"
    if not path.is_file():
        pytest.skip("data/detector_vit_small.safetensors is not here")
    network = load_detector(path)
    pixels, square = network.settings.pixels, 8
    side, count = pixels // square, 12
    kept = []
    for number in range(100, 112):
        scenes = block_of(FROZEN, 0, number, pixels=pixels)
        kept.append(scene_channels(scenes)[scenes.present & (scenes.peak_m > scenes.wavelength_m / 2)])
    channels = torch.cat(kept)[:128]
    assert len(channels) >= 100
    attention = rollout(attention_weights(network, channels)).flatten(1)
    data = channels[:, DETECT_CHANNELS.index("data")]
    known = torch.nn.functional.avg_pool2d(data[:, None], square)[:, 0].flatten(1) > 0.5
    draw = torch.rand(known.shape, generator=torch.Generator().manual_seed(0))

    def changed(score):
        best = score.masked_fill(~known, -1).topk(count, dim=1).indices
        chosen = torch.zeros_like(known).scatter_(1, best, True) & known
        with torch.inference_mode():
            hidden = network(cover_squares(channels, chosen.unflatten(1, (side, side)), square)).present
        return (hidden.sigmoid() - whole).abs().numpy()

    with torch.inference_mode():
        whole = network(channels).present.sigmoid()
    attended, random = changed(attention), changed(draw)
    assert attended.mean() > random.mean()
    assert stats.wilcoxon(attended, random, alternative="greater").pvalue < 0.01
