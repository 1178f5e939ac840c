"""Simulated scenes hold what they say they hold."""

from dataclasses import replace

import numpy as np
import pytest

from epi.catalogue import find_event
from epi.errors import ParameterError
from epi.insar.product import SENTINEL1_WAVELENGTH_M, wrap
from epi.simulate import Conditions, draw_rupture, recipe, simulate_event, simulate_scene
from epi.simulate.atmosphere import turbulence
from epi.source.okada import displacement

STILL = Conditions(atmosphere_m=0.0, ramp_m=0.0, coherence=0.98, no_data=0.1, looks=100)


def rupture(depth_km=6.0, roughness=0.5):
    """A magnitude 6 normal fault at the centre."""
    return draw_rupture(
        magnitude=6.0,
        east_km=0.0,
        north_km=0.0,
        depth_km=depth_km,
        strike=320.0,
        dip=40.0,
        rake=-95.0,
        length_km=10.0,
        width_km=8.0,
        rng=np.random.default_rng(1),
        roughness=roughness,
    )


def test_rupture_adds_up_to_its_magnitude_and_is_centred_on_its_slip():
    drawn = rupture()
    assert drawn.magnitude == pytest.approx(6.0, abs=1e-9)
    offset = np.linalg.norm(np.array(drawn.centroid) - (0, 0, 6))
    assert 0.01 < offset < 2.5  # uneven slip moves the centroid, but not off the fault
    even = rupture(roughness=0.0)
    np.testing.assert_allclose(even.centroid, (0, 0, 6), atol=1e-9)


def test_rupture_above_the_ground_is_refused():
    with pytest.raises(ParameterError, match="above the ground"):
        rupture(depth_km=1.0)


def test_phase_is_that_of_the_dislocation_with_motion_away_positive():
    made = simulate_scene(rupture(), STILL, seed=3, size_km=40, spacing_m=250)
    expected = -4 * np.pi / SENTINEL1_WAVELENGTH_M * made.truth["los_displacement"]
    misfit = wrap((made.product["phase"] - expected).where(made.product["valid"]))
    assert float(abs(misfit.mean())) < 0.01
    assert float(misfit.std()) < 0.06  # 100 looks at a coherence near 0.95
    assert float(made.truth["los_displacement"].min()) < -0.05  # a normal fault sinks away from the satellite


def test_phase_noise_follows_coherence_and_looks():
    scene = simulate_scene(
        None, replace(STILL, coherence=0.6, looks=50, no_data=0.0), seed=4, size_km=60, spacing_m=300
    )
    coherence = float(scene.product["coherence"].mean())
    bound = np.sqrt((1 - coherence**2) / (2 * 50 * coherence**2))  # Rosen et al. (2000), eq. 66
    assert float(scene.product["phase"].std()) == pytest.approx(bound, rel=0.5)


def test_coarse_evaluation_agrees_with_the_dislocation_itself():
    drawn = rupture(depth_km=9.0)
    made = simulate_scene(drawn, STILL, seed=5, size_km=30, spacing_m=200)
    east, north = np.meshgrid(made.truth["x"] / 1000, made.truth["y"] / 1000)
    direct = displacement(east.ravel(), north.ravel(), drawn.faults).sum(0).numpy()
    look = np.stack([made.product[f"look_{axis}"].values.ravel() for axis in ("east", "north", "up")], axis=1)
    expected = (direct * look).sum(1).reshape(east.shape)
    worst = np.abs(made.truth["los_displacement"].values - expected).max()
    assert worst < 2e-3 * np.abs(expected).max()


def test_turbulence_has_the_rms_and_the_slope_asked_for():
    rng = np.random.default_rng(6)
    powers = []
    for _ in range(20):
        field = turbulence((256, 256), spacing_km=0.5, rms=0.01, rng=rng)
        assert field.std() == pytest.approx(0.01)
        spectrum = np.abs(np.fft.fft2(field * np.hanning(256)[:, None] * np.hanning(256)[None, :])) ** 2
        k = np.hypot(np.fft.fftfreq(256, 0.5)[:, None], np.fft.fftfreq(256, 0.5)[None, :])
        bands = [(0.06, 0.09), (0.3, 0.45)]
        powers.append([spectrum[(k > low) & (k < high)].mean() for low, high in bands])
    low, high = np.mean(powers, axis=0)
    assert np.log(high / low) / np.log(5.0) == pytest.approx(-8 / 3, abs=0.35)


def test_no_data_is_nan_everywhere_and_as_much_as_asked():
    product = simulate_scene(rupture(), STILL, seed=7, size_km=40, spacing_m=400).product
    assert float((~product["valid"]).mean()) == pytest.approx(0.1, abs=0.01)
    for name in ("phase", "coherence", "i", "q"):
        assert (np.isnan(product[name]) == ~product["valid"]).all()


def test_a_seed_is_a_scene():
    first, again = (simulate_scene(rupture(), Conditions(), seed=8, size_km=20, spacing_m=400) for _ in range(2))
    other = simulate_scene(rupture(), Conditions(), seed=9, size_km=20, spacing_m=400)
    assert first.product.identical(again.product)
    assert not np.allclose(first.product["phase"], other.product["phase"], equal_nan=True)


def test_event_is_where_and_as_large_as_the_catalogue_says():
    event = find_event("20210303-thessaly")
    made = simulate_event(event, seed=1)
    assert made.truth.attrs["magnitude"] == pytest.approx(event.magnitude)
    assert made.truth.attrs["centroid_latitude"] == pytest.approx(event.latitude, abs=0.03)
    assert made.truth.attrs["centroid_longitude"] == pytest.approx(event.longitude, abs=0.03)
    assert made.product.attrs["event_id"] == event.event_id


def test_recipe_is_frozen():
    """The recipe was written before anything was fitted to it; a change here makes every reported score void."""
    drawn = recipe.draw(0)
    assert drawn.rupture.magnitude == pytest.approx(5.834975, abs=1e-6)
    np.testing.assert_allclose(drawn.rupture.centroid, (17.867984, -14.986469, 12.634243), atol=1e-6)
    assert drawn.conditions.atmosphere_m == pytest.approx(0.003829207, abs=1e-9)
    made, kept = recipe.scene(0)
    np.testing.assert_allclose(kept.rupture.slip[[0, 21, 59]], (0.24229045, 3.19487615, 0.36871396), rtol=1e-6)
    assert float(np.abs(made.truth["los_displacement"]).max()) == pytest.approx(0.171234086, rel=1e-6)
    assert float(made.product["los_displacement"].std()) == pytest.approx(0.02849654, rel=1e-4)


@pytest.mark.parametrize("seed", [10_300, 10_301, 10_302])
def test_recipe_keeps_its_limits(seed):
    made, drawn = recipe.scene(seed)
    assert float(np.abs(made.truth["los_displacement"].where(made.truth["valid"])).max()) >= recipe.LOCATION.peak_los_m
    assert recipe.LOCATION.magnitude[0] <= drawn.rupture.magnitude <= recipe.LOCATION.magnitude[1]
    assert recipe.LOCATION.atmosphere_m[0] <= drawn.conditions.atmosphere_m <= recipe.LOCATION.atmosphere_m[1]
    quiet = recipe.quiet_scene(seed)
    assert float(np.abs(quiet.truth["los_displacement"]).max()) == 0.0
