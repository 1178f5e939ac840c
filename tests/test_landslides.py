"""Simulated landslides: where they lie, how large they are, what the radar sees of them, and what a person maps."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from rasterio import Affine, features
from scipy.ndimage import binary_dilation
from scipy.special import gammaln

from epi.errors import ParameterError
from epi.insar.contract import SENTINEL1_WAVELENGTH_M, crs_of, validate
from epi.insar.stack_bands import BAND_FACTS, BANDS
from epi.simulate.landslides import (
    CONFUSERS,
    FIELD,
    PRACTICE,
    RECIPES,
    Mapping,
    event_name,
    mapped_inventory,
    radar,
    simulate_landslide_event,
)
from epi.simulate.landslides.fields import PIXEL_M
from epi.simulate.landslides.mixture import draw_setting
from epi.simulate.landslides.relief import draw_relief
from epi.simulate.landslides.slides import draw_areas, draw_slides

ROWS, COLUMNS = 320, 384
QUIET = replace(
    FIELD,
    regions=tuple(
        replace(each, slow=1.0, trigger="rain", forest=0.0, crops=0.0, bare=1.0, treeline_m=0.0, snowline_m=1e5)
        for each in FIELD.regions
    ),
    air_m=(1e-7, 1e-7),
    layered_m_km=(0.0, 0.0),
    ramp_m=0.0,
    baseline_m=(0.0, 0.0),
    goldstein=0.0,
    looks=(40.0, 40.0),
    slow_keeps=(1.0, 1.0),
    slow_m=(0.011, 0.05),
)
"""Bare ground under still air, on which every slide moves as a whole, by less than a quarter of the wavelength."""


def simulated(recipe=FIELD, seed=0, number=0, rows=ROWS, columns=COLUMNS):
    return simulate_landslide_event(recipe, seed, number, rows=rows, columns=columns)


def rasterised(table, made):
    place = Affine(PIXEL_M, 0, float(made.x[0]) - PIXEL_M / 2, 0, -PIXEL_M, float(made.y[0]) + PIXEL_M / 2)
    return features.rasterize(table.geometry, out_shape=made.landslide.shape, transform=place, dtype="uint8") > 0


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.fixture(scope="module")
def events():
    """An event of each region."""
    return [simulated(number=number) for number in (0, 6, 9, 11, 14, 15, 18, 19)]


@pytest.fixture(scope="module")
def grounds():
    """Setting, ground and slides of some events."""
    made = []
    for number in (2, 9, 13):
        setting = draw_setting(FIELD, np.random.default_rng(number), number)
        setting = replace(setting, density=10.0, affected=0.7)
        relief = draw_relief(setting, (ROWS, COLUMNS), np.random.default_rng(1))
        made.append((setting, relief, draw_slides(FIELD, setting, relief, np.random.default_rng(2))))
    return made


def test_products_keep_the_contract_and_hold_the_bands(events):
    for made in events:
        validate(made)
        assert crs_of(made).is_projected
        assert abs(float(made.x[1] - made.x[0])) == abs(float(made.y[1] - made.y[0])) == PIXEL_M
        modulus = np.hypot(made["i"], made["q"])
        bands = {name: made[name] for name in BANDS if name != "intensity"} | {"intensity": 10 * np.log10(modulus)}
        seen = made["valid"].to_numpy()
        for name, values in bands.items():
            assert np.isfinite(values.to_numpy()[seen]).all(), name
            assert (
                BAND_FACTS[name].low - 1e-5
                <= float(values.min())
                <= float(values.max())
                <= BAND_FACTS[name].high + 1e-5
            )
        assert made["landslide"].dtype == np.uint8
        assert set(np.unique(made["landslide"])) <= {0, 1}
        assert np.array_equal(made["landslide"] > 0, made["slide"] > 0)
        assert not (made["landslide"].astype(bool) & made["water"]).any()
        assert np.isnan(made["phase"].to_numpy()[~seen]).all()
        assert made.attrs["reference_time"] < made.attrs["event_time"] < made.attrs["secondary_time"]
    assert len({made.attrs["region"] for made in events}) == len(FIELD.regions) == 8


def test_an_event_depends_on_recipe_seed_and_number_alone(events):
    np.random.seed(3)  # noqa: NPY002  # the state that must not matter
    assert simulated().identical(events[0])
    small = {"rows": 96, "columns": 96}
    one = simulated(**small)
    for other in (
        simulated(seed=1, **small),
        simulated(number=1, **small),
        simulated(replace(FIELD, stream=9), **small),
    ):
        assert not np.array_equal(other["phase"], one["phase"])
    assert one.attrs["event"] == event_name(0) == "slides-00"


def test_areas_are_those_of_the_distribution_and_cut_where_asked():
    """Most near 400 m², and a density that falls as A^-2.4 (Malamud et al. 2004)."""
    rng = np.random.default_rng(0)
    areas = draw_areas(400_000, (1.0, 1e9), rng)
    count, edges = np.histogram(areas, np.arange(0, 3000, 50.0))
    assert edges[count.argmax()] == pytest.approx(400, abs=75)
    tail = areas[areas > 1e5]
    assert 1 + 1 / np.log(tail / 1e5).mean() == pytest.approx(2.4, abs=0.1)
    cut = draw_areas(100_000, (1800.0, 4e6), rng)
    assert 1800 <= cut.min() < 1801
    assert cut.max() <= 4e6
    assert np.mean(cut < 50 * PIXEL_M**2) > 0.95
    assert (draw_areas(200_000, (1800.0, 4e6), rng) > 1000 * PIXEL_M**2).any()


def test_slides_have_the_area_they_were_given(grounds):
    """Where they do not lie over each other; one that comes to rest early on narrow ground is smaller."""
    for _, _, slides in grounds:
        pixels = np.bincount(slides.owner[slides.mask], minlength=len(slides.table) + 1)[1:]
        asked = slides.table["area_m2"].to_numpy() / PIXEL_M**2
        large = (asked > 10) & (pixels > 0)
        assert np.median(pixels[large] / asked[large]) == pytest.approx(1, abs=0.2)


def test_slides_start_on_steep_ground_and_end_below(grounds):
    for setting, relief, slides in grounds:
        assert len(slides.table) > 20
        ends = slides.table[["row", "column", "end_row", "end_column"]].to_numpy().reshape(-1, 2, 2)
        at = np.clip(np.rint(ends).astype(int), 0, [ROWS - 1, COLUMNS - 1])
        crown, toe = tuple(at[:, 0].T), tuple(at[:, 1].T)
        dry = ~relief.water
        assert np.median(relief.slope_deg[crown]) > np.median(relief.slope_deg[dry]) + 1
        assert np.median(relief.slope_deg[crown]) > setting.failing_deg - 6
        assert relief.concavity[crown].mean() > 0.3
        fell = relief.height[crown] - relief.height[toe]
        assert np.mean(fell > 0) > 0.95
        assert (slides.table["up"] <= 0).mean() > 0.98
        length = np.hypot(*(ends[:, 1] - ends[:, 0]).T) * PIXEL_M
        assert np.median(length[slides.table["area_m2"] > 2e4]) > 80


def test_slides_lie_together_and_hold_little_of_the_ground(events):
    share = np.mean([float(made["landslide"].mean()) for made in events])
    assert 0.0005 < share < 0.015
    sizes = np.concatenate([np.bincount(made["slide"].to_numpy().ravel())[1:] for made in events])
    assert np.mean(sizes[sizes > 0] < 50) > 0.9


def test_ground_that_slid_lost_coherence(events):
    """Against the ground around it, where the pair has coherence to lose."""
    lost = []
    for made in events:
        slid = made["landslide"].to_numpy() > 0
        whole = np.abs(made["slide_los_displacement"].to_numpy()) > 0
        usable = (made["valid"] & ~made["water"] & ~made["layover_shadow"]).to_numpy()
        rapid = slid & usable & ~whole
        around = binary_dilation(slid, iterations=8) & ~binary_dilation(slid, iterations=2) & usable
        coherence = made["coherence"].to_numpy()
        if rapid.sum() > 60:
            lost.append(coherence[around].mean() - coherence[rapid].mean())
    assert len(lost) > 3
    assert min(lost) > -0.02
    assert np.mean(lost) > 0.05


def test_ground_that_moves_away_has_positive_phase():
    """On slides that stayed whole: -4π/λ times their true motion toward the satellite."""
    checked = 0
    for number in range(4):
        made = simulated(QUIET, number=number)
        los = made["slide_los_displacement"].to_numpy()
        assert np.isfinite(los).all()
        usable = (made["valid"] & ~made["water"] & ~made["layover_shadow"]).to_numpy()
        far = usable & (los == 0)
        phase = made["unwrapped_phase"].to_numpy() - np.median(made["unwrapped_phase"].to_numpy()[far])
        moved = usable & (np.abs(los) > 0.002) & (made["coherence"].to_numpy() > 0.6)
        if moved.sum() < 30:
            continue
        wanted = -4 * np.pi / SENTINEL1_WAVELENGTH_M * los[moved]
        slope = (phase[moved] * wanted).sum() / (wanted**2).sum()
        assert slope == pytest.approx(1, abs=0.15)
        toward = made["los_displacement"].to_numpy()[moved]
        assert np.corrcoef(toward, los[moved])[0, 1] > 0.9
        checked += 1
    assert checked >= 2


def test_without_coherence_the_estimate_is_biased_as_theory_says():
    """Γ(L) Γ(3/2) / Γ(L + 1/2) for L samples (Touzi et al. 1999)."""
    rng = np.random.default_rng(0)
    shape, looks = (240, 240), 6.0
    blank = np.zeros(shape, np.float32)
    seen = radar.speckle(blank, (blank + 1, blank + 2), blank, looks, rng)
    samples = looks * radar.WINDOW**2
    expected = np.exp(gammaln(samples) + gammaln(1.5) - gammaln(samples + 0.5))
    assert radar.estimate_coherence(*seen).mean() == pytest.approx(expected, rel=0.03)
    assert seen[1].mean() == pytest.approx(1, rel=0.02)
    assert seen[2].mean() == pytest.approx(2, rel=0.02)


def test_speckle_has_the_coherence_and_phase_it_was_given():
    rng = np.random.default_rng(1)
    shape = (300, 300)
    seen = radar.speckle(np.full(shape, 0.6), (np.full(shape, 1.0), np.full(shape, 4.0)), np.full(shape, 0.8), 9.0, rng)
    assert np.angle(seen[0].mean()) == pytest.approx(0.8, abs=0.01)
    assert abs(seen[0].mean()) == pytest.approx(0.6 * 2, rel=0.02)
    assert seen[1].var() == pytest.approx(1 / 9, rel=0.05)
    assert np.corrcoef(seen[1].ravel(), seen[2].ravel())[0, 1] == pytest.approx(0.36, abs=0.02)


@pytest.mark.parametrize("heading", [0.0, 180.0, -13.0, -167.0])
def test_a_ridge_folds_toward_the_radar_and_hides_what_lies_behind(heading):
    """Slopes of 60 degrees under 35 of incidence: the one that faces the satellite folds, the other is hidden."""
    columns = np.arange(120.0)
    height = np.tile(np.maximum(0, 20 - np.abs(columns - 60)) * PIXEL_M * np.tan(np.deg2rad(60)), (90, 1))
    layover, shadow = radar.layover_shadow(height.astype(np.float32), np.full(height.shape, 35.0), heading)
    from_west = np.cos(np.deg2rad(heading)) > 0
    facing, behind = (slice(44, 58), slice(63, 76)) if from_west else (slice(63, 76), slice(44, 58))
    assert layover[40:50, facing].all()
    assert shadow[40:50, behind].all()
    assert not shadow[40:50, facing].any()
    assert not layover[40:50, :10].any()
    assert not layover[40:50, -10:].any()
    gentle = height * np.tan(np.deg2rad(20)) / np.tan(np.deg2rad(60))
    assert not any(each.any() for each in radar.layover_shadow(gentle, np.full(height.shape, 35.0), heading))


def test_angles_grow_away_from_the_satellite():
    for heading, side in ((-13.0, 1), (-167.0, -1)):
        incidence, look = radar.look_at((80, 100), 38.0, heading)
        assert side * (incidence[40, -1] - incidence[40, 0]) > 0
        assert np.sign(look[0]).mean() == -side
        assert np.allclose(sum(each**2 for each in look), 1, atol=1e-5)


def test_what_may_pass_for_a_slide_is_not_labelled(events):
    """And it does look like one: it lost coherence, but for old scars."""
    kinds = np.zeros(len(CONFUSERS), int)
    for made in events:
        kind, coherence = made["confuser"].to_numpy(), made["coherence"].to_numpy()
        assert not made["landslide"].to_numpy()[kind > 0].any()
        kinds += np.bincount(kind.ravel(), minlength=len(CONFUSERS))
        usable = (made["valid"] & ~made["water"] & ~made["layover_shadow"]).to_numpy()
        lost = usable & (kind > 0) & (kind != CONFUSERS.index("old scar"))
        if lost.sum() > 200 and coherence[usable].mean() > 0.3:
            assert coherence[lost].mean() < coherence[usable & (kind == 0)].mean() - 0.05
    assert (kinds > 0).all()


def test_a_person_misses_small_slides_more_often_and_draws_the_others_nearly_right(events):
    small, large = [], []
    steady = replace(FIELD.mapping, shift_px=0.0, scatter_px=0.0, generalise_m=0.0, bridge_m=0.0)
    for made in events:
        true = made["landslide"].to_numpy() > 0
        if true.sum() < 100:
            continue
        table = mapped_inventory(made, FIELD.mapping)
        assert table.crs == crs_of(made)
        assert table.geometry.is_valid.all()
        assert set(table["region"]) == {made.attrs["region"]}
        assert table.equals(mapped_inventory(made))
        assert overlap(rasterised(table, made), true) > 0.2
        number = made["slide"].to_numpy().ravel()
        size = np.bincount(number)[1:]
        found = np.bincount(number, rasterised(mapped_inventory(made, steady), made).ravel())[1:] > 0
        small += list(found[(size > 1) & (size <= 4)])
        large += list(found[size >= 30])
    assert len(small) > 100
    assert np.mean(large) > 0.95
    assert np.mean(small) < 0.75


def test_an_exact_inventory_is_the_truth():
    made = simulated(PRACTICE, number=3)
    assert made["landslide"].any()
    table = mapped_inventory(made, replace(PRACTICE.mapping, least_m2=0.0))
    assert np.array_equal(rasterised(table, made), made["landslide"].to_numpy() > 0)


def test_an_inventory_may_be_empty():
    bare = replace(FIELD, regions=tuple(replace(each, density=(1e-9, 1e-9)) for each in FIELD.regions))
    made = simulated(bare, rows=96, columns=96)
    assert not made["landslide"].any()
    assert len(mapped_inventory(made)) == 0
    assert mapped_inventory(made).crs == crs_of(made)


def test_what_makes_no_sense_is_refused(events):
    with pytest.raises(ParameterError, match=r"Event 20 of field: give 0 to 19"):
        simulated(number=20)
    with pytest.raises(ParameterError, match=r"event -1: give 0 or more"):
        simulated(number=-1)
    with pytest.raises(ParameterError, match=r"32 x 384 pixels: give 64 or more a side"):
        simulated(rows=32)
    with pytest.raises(ParameterError, match=r"no slide numbers: give one of simulate_landslide_event"):
        mapped_inventory(events[0].drop_vars("slide"))
    for change, told in (
        ({"looks": (1.0, 4.0)}, "looks from 1"),
        ({"looks": (9.0, 4.0)}, "looks from 9 to 4: give two numbers, the smaller first"),
        ({"air_m": (0.0, 0.1)}, "air_m from 0"),
        ({"least_px": 0.5}, "Sizes from 0.5 to 4500 pixels"),
        ({"regions": ()}, "has no region"),
    ):
        with pytest.raises(ParameterError, match=told):
            replace(FIELD, **change)


def test_practice_is_not_the_field():
    assert PRACTICE.stream != FIELD.stream
    assert PRACTICE.events is None
    assert FIELD.events == 20
    assert not {each.name for each in FIELD.regions} & {each.name for each in PRACTICE.regions}
    assert set(RECIPES) == {"field", "practice"}
    assert PRACTICE.mapping == Mapping(missed=0.0, shift_px=0.0, scatter_px=0.0, generalise_m=0.0, bridge_m=0.0)
    assert simulated(PRACTICE, number=5000, rows=96, columns=96).attrs["region"].startswith("practice")


def test_the_field_stays_as_it_was_written_down():
    """Scores are of these events: whoever changes the recipe or the ground must train and judge anew."""
    assert hashlib.sha256(repr(FIELD).encode()).hexdigest()[:16] == "c7ed7649e07dea9f"
    facts = {2: (2689, 434, 59, 0.3224, 1885.7), 9: (90, 5, 3, 0.3447, 396.8), 14: (955, 136, 49, 0.2149, 179.1)}
    for number, (pixels, slides, mapped, coherence, height) in facts.items():
        made = simulated(number=number)
        assert int(made["landslide"].sum()) == pytest.approx(pixels, rel=0.03)
        assert int(made["slide"].max()) == slides
        assert len(mapped_inventory(made, FIELD.mapping)) == pytest.approx(mapped, abs=2)
        assert float(made["coherence"].mean()) == pytest.approx(coherence, abs=2e-3)
        assert float(made["elevation"].mean()) == pytest.approx(height, abs=1)
