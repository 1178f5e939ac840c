"""What a radar sees besides moving ground: spectra, moments and speckle against theory and against plain sampling."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from epi.simulate.labelled import sky

SPACING_KM = 0.2


def noise(seed=0):
    return torch.Generator().manual_seed(seed)


def power(fields, spacing_km):
    """Mean power over fields and directions at the wavenumbers (cycles a km) of a whole number of waves a scene."""
    side = fields.shape[-1]
    window = torch.hann_window(side, periodic=True)
    spectrum = torch.fft.fft2(fields * window * window[:, None]).abs() ** 2
    k = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :]) * side
    ring = np.round(k).astype(int).ravel()
    mean = np.bincount(ring, spectrum.mean(0).numpy().ravel()) / np.bincount(ring)
    return np.arange(len(mean))[1 : side // 2] / (side * spacing_km), mean[1 : side // 2]


def slope(wavenumber, values, low, high):
    chosen = (wavenumber >= low) & (wavenumber <= high)
    return np.polyfit(np.log(wavenumber[chosen]), np.log(values[chosen]), 1)[0]


@pytest.mark.parametrize("change", [0.0, 0.4])
def test_airs_spectrum_falls_as_measured(change):
    """-8/3 from tens of kilometres to 2 km, -11/3 below (Hanssen 2001), and what a mixture adds to both."""
    fields = sky.air(48, 192, SPACING_KM, outer_km=60.0, slope=change, noise=noise())
    found = power(fields, SPACING_KM)
    assert slope(*found, 0.1, 0.4) == pytest.approx(-8 / 3 + change, abs=0.15)
    assert slope(*found, 0.6, 1.6) == pytest.approx(-11 / 3 + change, abs=0.15)


def test_air_is_alike_in_all_directions():
    fields = sky.air(200, 64, 0.4, outer_km=60.0, slope=0.0, noise=noise(1))
    east, north = ((fields.diff(dim=axis) ** 2).mean() for axis in (2, 1))
    assert float(east / north) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("made", ["air", "relief", "smooth"])
def test_fields_are_of_unit_spread(made):
    fields = {
        "air": lambda: sky.air(5, 48, 1.0, outer_km=60.0, slope=0.0, noise=noise()),
        "relief": lambda: sky.relief(5, 48, 1.0, noise=noise()),
        "smooth": lambda: sky.smooth(5, 48, 1.0, over_km=5.0, noise=noise()),
    }[made]()
    np.testing.assert_allclose(fields.mean((1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(fields.std((1, 2)), 1, rtol=1e-4)


def test_relief_has_flat_valleys():
    """Heights above the mean are rarer and larger than those below."""
    fields = sky.relief(60, 64, 0.8, noise=noise())
    assert float((fields**3).mean()) > 0.2


def test_smooth_fields_change_over_the_distance_asked():
    """Neighbours of a tenth of it are alike; three of it apart nothing is left."""
    fields = sky.smooth(80, 128, 0.4, over_km=4.0, noise=noise())
    alike = [float((fields[:, :, step:] * fields[:, :, :-step]).mean()) for step in (1, 30)]
    assert alike[0] > 0.97
    assert abs(alike[1]) < 0.1


def test_ramps_are_planes_of_the_spread_asked():
    offsets = torch.linspace(-25, 25, 224)
    angle = np.array([0.0, np.pi / 2, 1.0])
    found = sky.ramps(np.array([0.02, 0.05, 0.1]), angle, offsets)
    np.testing.assert_allclose(found.std((1, 2)), [0.02, 0.05, 0.1], rtol=5e-3)
    for axis in (1, 2):
        assert float(found.diff(n=2, dim=axis).abs().max()) < 1e-6
    assert float(found[0].diff(dim=0).abs().max()) < 1e-7  # eastward
    assert float(found[1].diff(dim=1).abs().max()) < 1e-7  # northward


def test_lakes_take_the_share_asked():
    cover = torch.randn(64, 60, 60, generator=noise())
    share = np.linspace(0.05, 0.6, 64)
    rng = np.random.default_rng(0)
    bare = 1 - sky.holes(cover, share, rng, least_side=1.0).float().mean((1, 2)).numpy()
    whole = np.abs(bare - share) < 0.03  # the others have a coast or an image's edge too
    assert whole.mean() > 0.6
    assert (bare > share - 0.03).all()


def test_holes_leave_a_fiftieth():
    cover = sky.smooth(300, 40, 1.28, over_km=5.0, noise=noise())
    valid = sky.holes(cover, np.full(300, 0.9), np.random.default_rng(0), least_side=0.05)
    assert float(valid.float().mean((1, 2)).min()) >= 0.02


@pytest.mark.parametrize("turn", [0.0, 0.5, 2.0, 2 * np.pi])
def test_coherence_within_a_pixel_is_the_mean_phasor(turn):
    """Of a plane wave: summed up over the pixel it is the same; a whole turn leaves nothing."""
    plane = (turn * torch.arange(12.0)).expand(1, 12, 12)
    inside = np.abs(np.exp(1j * turn * (np.arange(2000) + 0.5) / 2000).mean())
    np.testing.assert_allclose(sky.within_a_pixel(plane), inside, atol=1e-5)


@pytest.mark.parametrize("shape", [3.0, 10.0, 150.0])
def test_gamma_roots_have_a_gamma_variables_moments(shape):
    """Wilson and Hilferty (1931): mean, variance and skewness of the square within a few per cent."""
    normal = torch.randn(400_000, generator=noise(), dtype=torch.float64)
    drawn = sky._gamma_root(torch.tensor(shape, dtype=torch.float64), normal) ** 2
    assert float(drawn.mean()) == pytest.approx(shape, rel=0.005)
    assert float(drawn.var()) == pytest.approx(shape, rel=0.02)
    skewness = float(((drawn - drawn.mean()) ** 3).mean() / drawn.std() ** 3)
    assert skewness == pytest.approx(2 / np.sqrt(shape), rel=0.1)


def sampled(coherence, looks, count=60_000):
    """Phase and sample coherence of so many pairs of correlated complex normal samples, multiplied and summed."""
    rng = np.random.default_rng(0)
    one, other = (rng.standard_normal((2, count, looks)) for _ in range(2))
    first, second = one[0] + 1j * one[1], other[0] + 1j * other[1]
    second = coherence * first + np.sqrt(1 - coherence**2) * second
    cross = (first * second.conj()).sum(1)
    return np.angle(cross), np.abs(cross) / np.sqrt((np.abs(first) ** 2).sum(1) * (np.abs(second) ** 2).sum(1))


@pytest.mark.parametrize(("coherence", "looks"), [(0.05, 4), (0.3, 10), (0.6, 6), (0.9, 20)])
def test_speckle_is_that_of_multilooked_samples(coherence, looks):
    phase, seen = sky.speckle(torch.full((1, 250, 240), coherence), torch.tensor([float(looks)]), noise())
    true_phase, true_seen = sampled(coherence, looks)
    assert float(seen.mean()) == pytest.approx(true_seen.mean(), abs=0.006)  # with its bias
    assert float(seen.std()) == pytest.approx(true_seen.std(), abs=0.006)
    assert float(phase.mean()) == pytest.approx(0, abs=0.03)
    for part in (0.1, 0.5, 0.9):
        assert np.quantile(np.abs(phase.numpy()), part) == pytest.approx(
            np.quantile(np.abs(true_phase), part), rel=0.04, abs=0.01
        )


@pytest.mark.parametrize(("coherence", "looks"), [(0.7, 100.0), (0.9, 50.0), (0.95, 200.0)])
def test_phase_noise_reaches_the_bound(coherence, looks):
    """Cramér-Rao for many looks: √(1 − γ²) / (γ √(2 L)) (Rodriguez & Martin 1992)."""
    phase, _ = sky.speckle(torch.full((1, 200, 200), coherence), torch.tensor([looks]), noise())
    bound = np.sqrt(1 - coherence**2) / (coherence * np.sqrt(2 * looks))
    assert float(phase.std()) == pytest.approx(bound, rel=0.03)


@pytest.mark.parametrize("looks", [4.0, 20.0, 150.0])
def test_ground_without_coherence_seems_to_have_some(looks):
    """Its square is 1 / L on average (Touzi et al. 1999), and every phase is as likely."""
    phase, seen = sky.speckle(torch.zeros(1, 300, 300), torch.tensor([looks]), noise())
    assert float((seen**2).mean()) == pytest.approx(1 / looks, rel=0.03)
    share = np.histogram(phase, 8, (-np.pi, np.pi))[0] / phase.numel()
    np.testing.assert_allclose(share, 1 / 8, atol=0.005)


def test_filtered_phase_is_that_of_the_weighted_mean_of_what_is_known():
    phase = torch.rand(2, 40, 40, generator=noise()) * 2 * np.pi - np.pi
    valid = torch.rand(2, 40, 40, generator=noise(1)) > 0.3
    width_px = torch.tensor([0.5, 2.0])
    found = sky.filtered(phase, valid, width_px)
    for n, width in enumerate(width_px.tolist()):
        phasor = np.where(valid[n], np.exp(1j * phase[n].numpy()), 0)
        expected = gaussian_filter(phasor, width, mode="constant", truncate=12.0)
        assert np.abs(np.exp(1j * found[n].numpy()) - expected / np.abs(expected)).max() < 1e-2
    assert torch.equal(found, sky.filtered(torch.where(valid, phase, 3.0), valid, width_px))
