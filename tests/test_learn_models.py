"""The network: its answer is a density, its seed decides its weights, and its file comes back."""

import json
import re

import pytest
import torch

from epi.errors import FileFormatError
from epi.learn import Locator, Settings, load_network, log_density, losses, read_card, save_network
from epi.learn.channels import CHANNELS
from epi.learn.models import CELLS, LEAST_SIGMA_KM, Answer

SMALL = Settings(pixels=64, size_km=25.6, widths=(8, 16, 32), mixers=1)


def seen(number=3, seed=0):
    return torch.randn(number, len(CHANNELS), 64, 64, generator=torch.Generator().manual_seed(seed))


def test_an_answer_is_a_density_over_the_map_and_beyond():
    """Its integral over the plane and the weight of what lies beyond the map make one."""
    with torch.no_grad():
        answer = Locator(SMALL).eval().answer(3 * seen(1))
    line = torch.arange(-90, 90, 0.5)
    east, north = (part.ravel() for part in torch.meshgrid(line, line, indexing="ij"))
    many = Answer(*(part.expand(len(east), *part.shape[1:]) for part in answer))
    total = sum(
        float(
            log_density(Answer(*(part[k : k + 4000] for part in many)), east[k : k + 4000], north[k : k + 4000])
            .exp()
            .sum()
        )
        for k in range(0, len(east), 4000)
    )
    assert 0.25 * total + float(answer.log_weight[0, -1].exp()) == pytest.approx(1, abs=1e-3)
    assert (answer.sigma_km >= LEAST_SIGMA_KM).all()
    assert answer.mean_km.shape == (1, 2, CELLS**2)


def test_cells_lie_where_their_pixels_do():
    """A cell's answer hears of the pixels under it before the layers that mix all places are opened."""
    network = Locator(SMALL).eval()
    centres = network.centres_km().unflatten(1, (CELLS, CELLS))
    assert centres[0, 0, -1] == -centres[0, 0, 0] == 11.5 * SMALL.cell_km
    assert centres[1, 0, 0] == 11.5 * SMALL.cell_km  # the first row lies in the north
    plain = seen(1).requires_grad_()
    cell = (10, 13)  # row, column: north and east of the middle
    network(plain)[0][0, 0, *cell].backward()
    touched = plain.grad.abs().sum((0, 1))
    row, column = (float((touched.sum(1 - axis) * torch.arange(64)).sum() / touched.sum()) for axis in (0, 1))
    pixel_km = SMALL.size_km / SMALL.pixels
    place = ((column - 31.5) * pixel_km, (31.5 - row) * pixel_km)
    assert place == pytest.approx(centres[:, *cell].tolist(), abs=1.5 * SMALL.cell_km)


def test_losses_ask_for_the_truth():
    """A density about the truth, sure of it, costs less than one elsewhere or unsure; quiet patches ask no place."""
    cells = CELLS**2
    weights = torch.full((1, cells + 1), -20.0)
    weights[0, 5] = 0

    def cost(east, sigma, offset=(1.0, 2.0), magnitude=6.0):
        mean = torch.zeros(1, 2, cells)
        mean[0, :, 5] = torch.tensor([east, 2.0])
        numbers = (torch.full((1,), 3.0), torch.full((1,), 6.0), torch.zeros(1))
        answer = Answer(weights.log_softmax(1), mean, torch.full((1, cells), sigma), *numbers)
        return losses(answer, torch.tensor([offset]), torch.tensor([magnitude]), torch.tensor([0.05]), cell_km=3.2)

    here = cost(1.0, 1.0)
    assert float(here["place"]) == pytest.approx(float(torch.log(torch.tensor(2 * torch.pi))), abs=1e-4)
    assert here["place"] < cost(1.0, 2.0)["place"] < cost(6.0, 2.0)["place"]
    assert float(cost(1.0, 1.0, offset=(100.0, 0.0))["place"]) == pytest.approx(20, abs=1e-3)  # beyond the map
    nan = float("nan")
    silent = cost(1.0, 1.0, offset=(nan, nan), magnitude=nan)
    assert silent["place"] == silent["magnitude"] == 0
    assert all(torch.isfinite(value) for value in silent.values())
    assert here["magnitude"] == 0
    assert cost(1.0, 1.0, magnitude=7.0)["magnitude"] == 0.5


def test_the_seed_alone_decides_the_first_weights():
    before = torch.random.get_rng_state()
    one, same, other = (Locator(SMALL, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["stem.0.weight"], other["stem.0.weight"])


def test_weights_and_card_come_back(tmp_path):
    settings = Settings(**vars(SMALL) | {"temper": 0.4, "ellipse_factor": 7.5})
    network = Locator(settings, seed=3).eval()
    path = save_network(network, tmp_path / "network.safetensors", {"command": "make", "median_km": 3.5})
    back = load_network(path)
    assert back.settings == settings
    assert read_card(path) == {"command": "make", "median_km": 3.5}
    assert torch.equal(back(seen())[0], network(seen())[0])


def test_files_of_another_kind_are_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"No network .*gone\.safetensors: the one that ships is"):
        load_network(tmp_path / "gone.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights")
    with pytest.raises(FileFormatError, match="does not hold weights of this network"):
        load_network(tmp_path / "text.safetensors")
    path = save_network(Locator(SMALL), tmp_path / "network.safetensors")
    import safetensors.torch

    weights = safetensors.torch.load_file(path)
    wider = json.dumps(vars(SMALL) | {"widths": (8, 16, 64)})
    safetensors.torch.save_file(weights, path, metadata={"settings": wider, "card": "{}"})
    with pytest.raises(
        FileFormatError, match=r"does not hold weights .* train it again with make train-locator"
    ) as caught:
        load_network(path)
    assert "\n" not in str(caught.value)
    assert re.search(r"of another architecture: size mismatch for \S+", str(caught.value))
    safetensors.torch.save_file(weights, path)
    with pytest.raises(FileFormatError, match=r"does not hold weights .*does not state its 'settings'"):
        load_network(path)
    with pytest.raises(FileFormatError, match="does not state its 'card'"):
        read_card(path)
    for lost in ("gone.safetensors", "text.safetensors"):
        with pytest.raises(FileFormatError, match="does not hold weights"):
            read_card(tmp_path / lost)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = Locator(SMALL)
    with torch.no_grad():
        next(network.parameters())[0] = torch.nan
    with pytest.raises(FileFormatError, match="holds weights that are not finite: train it again"):
        load_network(save_network(network, tmp_path / "network.safetensors"))
