"""An inventory on a product's grid, the seven bands with it, patches, and what is counted over them."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from pyproj import Transformer
from shapely import Point, Polygon, box

from epi.catalogue import inventory_of
from epi.errors import (
    EmptyScene,
    FileFormatError,
    InventoryError,
    NoGeoreference,
    ParameterError,
    PatchStoreError,
    ProductError,
)
from epi.insar import product
from epi.insar.engines.snap_products import read_snap
from epi.insar.stack_bands import BAND_FACTS, BANDS
from epi.insar.unwrap import unwrap
from epi.patches.stack import (
    cut_patches,
    join_patches,
    landslide_mask,
    load_patches,
    load_stack,
    make_stack,
    mean_and_spread,
    save_patches,
    save_stack,
)
from snap_writers import WGS84, Made, Raw, write_dimap

UTM = "EPSG:32654"
STEP = 50.0
ROWS, COLUMNS = 70, 90
EAST, NORTH = 520_000.0 + STEP * np.arange(COLUMNS), 4_720_000.0 - STEP * np.arange(ROWS)
ATTRS = {
    "wavelength": product.SENTINEL1_WAVELENGTH_M,
    "event_id": "20180905-iburi-landslides",
    "reference_time": "2018-09-05T08:41:00.000000",
    "secondary_time": "2018-09-17T08:41:00.000000",
}
ATTRS_UNNAMED = {name: value for name, value in ATTRS.items() if name != "event_id"}
TILTED = Polygon([(520_430, 4_719_310), (522_310, 4_719_620), (522_870, 4_718_140), (520_990, 4_717_480)])
BESIDE = box(523_020, 4_719_020, 523_520, 4_719_520)
HOLED = TILTED.difference(box(521_310, 4_718_310, 521_910, 4_718_910))
DATES = "05Sep2018_17Sep2018"
RNG = np.random.default_rng(3)


def variables(shape=(ROWS, COLUMNS)):
    phase = RNG.uniform(-np.pi, np.pi, shape)
    unwrapped = phase + 2 * np.pi * RNG.integers(-2, 3, shape)
    return {
        "i": 3 * np.cos(phase),
        "q": 3 * np.sin(phase),
        "phase": phase,
        "coherence": RNG.uniform(0, 1, shape),
        "unwrapped_phase": unwrapped,
        "los_displacement": product.los_displacement(unwrapped, wavelength=product.SENTINEL1_WAVELENGTH_M),
        "elevation": RNG.uniform(0, 800, shape),
        "local_incidence_angle": RNG.uniform(10, 70, shape),
    }


def scene(*, x=EAST, y=NORTH, crs=UTM, attrs=ATTRS, **changes):
    given = variables((len(y), len(x))) | changes
    return product.build({n: v for n, v in given.items() if v is not None}, x=x, y=y, crs=crs, attrs=attrs)


def radar_scene():
    """A grid turned by 13 degrees, as an ascending pass sees the ground; one sample has no place."""
    along, across = np.meshgrid(48 * (np.arange(ROWS) - 35.0), 53 * (np.arange(COLUMNS) - 45.0), indexing="ij")
    turn = np.deg2rad(-13.0)
    east = 521_700 + along * np.sin(turn) + across * np.cos(turn)
    north = 4_718_500 + along * np.cos(turn) - across * np.sin(turn)
    longitude, latitude = Transformer.from_crs(UTM, 4326, always_xy=True).transform(east, north)
    latitude[0, 0] = longitude[0, 0] = np.nan
    given = variables() | {"latitude": latitude, "longitude": longitude}
    return product.build(given, attrs=ATTRS, geometry="radar"), east, north


def inventory(*shapes, crs=UTM, to=None, radius_m=None, date="2018-09-06"):
    """Of one date, or of one each, or of none."""
    columns = {} if date is None else {"date": [date] * len(shapes) if isinstance(date, str) else date}
    frame = gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)
    return inventory_of(frame if to is None else frame.to_crs(to), source="iburi.gpkg", radius_m=radius_m)


def centres(x=EAST, y=NORTH):
    return np.meshgrid(x, y)


def exact(shape, x=EAST, y=NORTH):
    return shapely.contains_xy(shape, *centres(x, y))


@pytest.mark.parametrize("to", [None, "EPSG:4326", "EPSG:3857", "EPSG:32655", "EPSG:6668"])
@pytest.mark.parametrize("shape", [TILTED, HOLED])
def test_a_polygon_of_any_system_is_the_pixels_whose_centres_it_holds(to, shape):
    mask = landslide_mask(scene(), inventory(shape, to=to))
    wrong = mask.to_numpy() != exact(shape)
    on_the_rim = shapely.distance(shapely.points(*centres()), shape.boundary) < 0.1  # m: of the corners' transformation
    assert not (wrong & ~on_the_rim).any()
    assert wrong.sum() <= 2
    assert mask.sum() * STEP**2 == pytest.approx(shape.area, rel=0.01)
    assert mask.attrs["landslides"] == 1
    assert mask.attrs["outside"] == mask.attrs["below_a_pixel"] == 0


def test_rows_may_run_from_south_to_north():
    mask = landslide_mask(scene(y=NORTH[::-1]), inventory(TILTED))
    np.testing.assert_array_equal(mask.to_numpy()[::-1], exact(TILTED))


def test_area_is_kept_over_many_small_landslides():
    """Disks of 1.3 pixels on average: their centres' count is their area, but a third of them is lost."""
    places = RNG.uniform([520_100, 4_716_700], [524_300, 4_719_900], (400, 2))
    shapes = shapely.buffer(shapely.points(places), RNG.uniform(15, 45, 400))
    found = inventory(*shapes, to=4326)
    mask = landslide_mask(scene(), found)
    truth = shapely.union_all(shapes)
    assert mask.sum() * STEP**2 == pytest.approx(truth.area, rel=0.08)
    np.testing.assert_array_equal(mask.to_numpy(), exact(truth))
    alone = [not exact(shape).any() for shape in shapes]
    assert mask.attrs["below_a_pixel"] >= np.sum(alone) > 50
    touched = landslide_mask(scene(), found, all_touched=True)
    assert touched.attrs["below_a_pixel"] < 10
    assert touched.sum() > 2 * mask.sum()
    assert (touched | ~mask).all()


def test_points_are_disks_or_single_pixels():
    places = [(EAST[10] + 20, NORTH[20] - 20), (EAST[50] - 24, NORTH[60] + 24)]
    points = [Point(place) for place in places]
    one = landslide_mask(scene(), inventory(*points, to=4326))
    assert np.argwhere(one.to_numpy()).tolist() == [[20, 10], [60, 50]]
    disks = landslide_mask(scene(), inventory(*points, to=4326, radius_m=300))
    truth = exact(shapely.union_all(shapely.buffer(points, 300)))
    assert (disks.to_numpy() != truth).sum() <= 3
    assert disks.sum() * STEP**2 == pytest.approx(2 * np.pi * 300**2, rel=0.03)
    beyond = Point(EAST[0] - 200, NORTH[30])
    assert landslide_mask(scene(), inventory(beyond, radius_m=300)).any()
    with pytest.raises(InventoryError, match=r"outside the scene"):
        landslide_mask(scene(), inventory(beyond))


def test_a_map_in_degrees_on_either_turn_of_the_antimeridian():
    x, y = 179.9 + 0.0005 * np.arange(400), -16.5 - 0.0005 * np.arange(100)
    split = shapely.MultiPolygon([box(179.95, -16.53, 180, -16.51), box(-180, -16.53, -179.96, -16.51)])
    for longitudes in (x, x - 360):
        mask = landslide_mask(scene(x=longitudes, y=y, crs=4326), inventory(split, crs=4326))
        truth = exact(box(179.95, -16.53, 180.04, -16.51), x, y)
        assert (mask.to_numpy() != truth).mean() < 0.005  # pixel centres on its edges
        assert mask.sum() == pytest.approx(180 * 40, rel=0.03)


def test_the_radars_grid_takes_what_its_centres_show():
    made, east, north = radar_scene()
    for shape in (TILTED, HOLED):
        mask = landslide_mask(made, inventory(shape, to=4326))
        assert mask.dims == ("azimuth", "range")
        wrong = mask.to_numpy() != shapely.contains_xy(shape, east, north)
        assert wrong.sum() <= 2
        assert mask.sum() * 48 * 53 == pytest.approx(shape.area, rel=0.01)
    point = Point(east[30, 40] + 5, north[30, 40] - 9)
    assert np.argwhere(landslide_mask(made, inventory(point)).to_numpy()).tolist() == [[30, 40]]
    disk = landslide_mask(made, inventory(point, radius_m=300))
    assert disk.sum() * 48 * 53 == pytest.approx(np.pi * 300**2, rel=0.03)
    with pytest.raises(ParameterError, match=r"all_touched needs a grid of pixels with edges"):
        landslide_mask(made, inventory(TILTED), all_touched=True)


def test_an_inventory_that_does_not_belong_to_the_scene():
    far = shapely.transform(TILTED, lambda place: place + np.array([60_000, 0]))
    with pytest.raises(
        InventoryError, match=r"iburi.gpkg lies outside the scene about 42.62 N 141.27 E: its nearest"
    ) as one:
        landslide_mask(scene(), inventory(far, to=4326))
    assert "landslide is 56 km away. Choose" in str(one.value)
    beside = landslide_mask(scene(), inventory(far, TILTED))
    assert (beside.attrs["outside"], beside.attrs["landslides"]) == (1, 1)
    with pytest.raises(InventoryError, match=r"lies outside the scene .* km away"):
        landslide_mask(scene(), inventory(box(-100, 20, -99, 21), crs=4326))
    made, *_ = radar_scene()
    with pytest.raises(InventoryError, match=r"is 5\d km away"):
        landslide_mask(made, inventory(far))


def test_latitude_and_longitude_exchanged():
    given = scene(x=22 + 0.0005 * np.arange(90), y=40 - 0.0005 * np.arange(70), crs=4326)
    with pytest.raises(InventoryError, match=r"but it would lie in it with latitude and longitude exchanged"):
        landslide_mask(given, inventory(box(39.98, 22.01, 39.99, 22.02), crs=4326))


def test_what_cannot_be_burned():
    with pytest.raises(InventoryError, match=r"The 1 landslides of iburi.gpkg in the scene hold no centre of a pixel"):
        landslide_mask(scene(), inventory(Point(EAST[3] + 25, NORTH[3] + 25).buffer(9)))
    local = scene(crs=None)
    with pytest.raises(NoGeoreference, match=r"an inventory cannot be placed in it: give the mask itself"):
        landslide_mask(local, inventory(TILTED))
    table = product.build({"los_displacement": np.zeros(4)}, x=EAST[:4], y=NORTH[:4], crs=UTM, geometry="points")
    with pytest.raises(ProductError, match=r"a table of points"):
        landslide_mask(table, inventory(TILTED))
    with pytest.raises(ProductError, match=r"A table of points was given"):
        make_stack(table, inventory(TILTED))


def test_the_stack_holds_the_seven_bands_and_is_a_product(tmp_path):
    given = scene()
    stack = make_stack(given, inventory(HOLED, to=4326, date=["2018-09-06"]))
    assert list(stack.data_vars) == [*BANDS, "landslide", "valid"]
    for name in set(BANDS) - {"intensity"}:
        np.testing.assert_array_equal(stack[name], given[name])
        assert stack[name].attrs["units"] == BAND_FACTS[name].unit
    np.testing.assert_allclose(stack["intensity"], 10 * np.log10(3), rtol=1e-6)
    np.testing.assert_array_equal(stack["landslide"], exact(HOLED))
    assert (stack["landslide"].dtype, stack["valid"].dtype) == (np.uint8, bool)
    assert stack["valid"].all()
    assert stack.attrs["event"] == "20180905-iburi-landslides"
    assert stack.attrs["landslide_pixels"] == stack.attrs["landslide_pixels_valid"] == exact(HOLED).sum()
    assert stack.attrs["inventory_report"].startswith("1 features read: 1 outlines and 0 points, 1 dated")
    assert stack.attrs["inventory"] == "iburi.gpkg"
    assert product.validate(stack) is stack
    assert load_stack(save_stack(stack, tmp_path / "stack.nc")).identical(stack)


def test_a_pixel_is_valid_where_everything_is_known_and_it_is_dry_ground():
    holes = ("phase", "coherence", "elevation", "los_displacement", "unwrapped_phase", "local_incidence_angle")
    given = scene(water=False, layover_shadow=False, valid=True)
    for row, name in enumerate(holes):
        given[name][row, :5] = np.nan
    for name in ("i", "q"):
        given[name][6, :5] = 0  # no decibels of nothing
    given["water"][7, :5] = given["layover_shadow"][8, :5] = True
    given["valid"][9, :5] = False
    truth = np.ones((ROWS, COLUMNS), dtype=bool)
    truth[:10, :5] = False
    stack = make_stack(given, inventory(TILTED))
    np.testing.assert_array_equal(stack["valid"], truth)
    assert stack.attrs["masked"] == "water, layover_shadow"
    assert make_stack(scene(), inventory(TILTED)).attrs["masked"] == "nothing"
    fewer = make_stack(given, inventory(TILTED), required=[name for name in BANDS if name != "unwrapped_phase"])
    assert fewer["valid"].sum() == truth.sum() + 5
    with pytest.raises(ProductError, match=r"No band loss: a stack has phase"):
        make_stack(given, inventory(TILTED), required=["loss"])


def test_what_follows_from_another_variable_is_made():
    given = scene()
    for gone in ("phase", "los_displacement", "unwrapped_phase"):
        stack = make_stack(given.drop_vars(gone), inventory(TILTED))
        np.testing.assert_allclose(stack[gone], given[gone], atol=2e-6)


def test_a_product_that_lacks_variables_says_what_adds_them():
    bare = scene(unwrapped_phase=None, los_displacement=None, elevation=None)
    with pytest.raises(ProductError) as raised:
        make_stack(bare, inventory(TILTED))
    said = str(raised.value)
    assert "unwrapped_phase, los_displacement: added by unwrapping (epi.insar.unwrap.unwrap" in said
    assert "elevation: added by the terrain" in said
    assert "coherence" not in said
    with pytest.raises(ProductError, match=r"i, q, coherence: added by the interferogram"):
        make_stack(scene(i=None, q=None, coherence=None), inventory(TILTED))


def test_a_product_in_other_units_is_not_relabelled():
    product = scene()
    product["los_displacement"].attrs["units"] = "cm"
    with pytest.raises(ProductError, match="los_displacement"):
        make_stack(product, inventory(TILTED))


def test_an_inventory_of_another_date_is_refused():
    with pytest.raises(
        InventoryError, match=r"iburi.gpkg are of 2021-08-14, and the images of 2018-09-05 and 2018-09-17"
    ):
        make_stack(scene(), inventory(TILTED, date=["2021-08-14"]))
    two = inventory(TILTED, BESIDE, date=["2018-09-06", "2021-08-14"])
    stack = make_stack(scene(), two)
    np.testing.assert_array_equal(stack["landslide"], exact(TILTED))
    assert "1 of another date, left out" in stack.attrs["inventory_report"]
    undated = scene(attrs={"wavelength": 0.0555})
    with pytest.warns(UserWarning, match="the inventory's dates were not held against them"):
        assert make_stack(undated, two)["landslide"].sum() > exact(TILTED).sum()


@pytest.mark.parametrize("date", [None, [None, None], ["2021-08-14", None]])
def test_landslides_of_no_known_date_are_burned_in_with_a_warning(date):
    """No column of dates, an empty one, and one whose only date is of another time."""
    left = 1 if date and date[0] else 2
    said = rf"None of the {left} landslides of iburi.gpkg .* images of 2018-09-05 and 2018-09-17.*\(date_column\)"
    with pytest.warns(UserWarning, match=said) as heard:
        stack = make_stack(scene(), inventory(BESIDE, TILTED, date=date))
    assert [each.filename for each in heard] == [__file__]
    np.testing.assert_array_equal(stack["landslide"], exact(TILTED) | (exact(BESIDE) if left == 2 else False))


def test_one_date_in_an_inventory_is_enough():
    stack = make_stack(scene(), inventory(BESIDE, TILTED, date=["2018-09-06", None]))
    np.testing.assert_array_equal(stack["landslide"], exact(TILTED) | exact(BESIDE))


def test_a_mask_must_lie_on_the_products_grid():
    given = scene()
    mask = landslide_mask(given, inventory(TILTED))
    np.testing.assert_array_equal(make_stack(given, mask)["landslide"], exact(TILTED))
    bare = mask.drop_vars(["x", "y", "spatial_ref"]).astype("u1")
    np.testing.assert_array_equal(make_stack(given, bare)["landslide"], mask)
    for wrong, said in (
        (mask[:-1], r"The mask of landslides is 69 y x 90 x, the product 70 y x 90 x"),
        (mask.transpose(), r"The mask of landslides is 90 x x 70 y"),
        (mask.assign_coords(x=EAST + 25), r"The mask of landslides is 0.5 pixels off the product's in x"),
        (mask.isel(y=slice(None, None, -1)), r"pixels off the product's in y"),
        (
            landslide_mask(scene(crs="EPSG:32655"), inventory(TILTED, crs="EPSG:32655")),
            r"is in WGS 84 / UTM zone 55N, the",
        ),
        (mask * 2, r"The mask of landslides holds values other than 0 and 1"),
        (mask.where(mask), r"The mask of landslides holds values other than 0 and 1"),
    ):
        with pytest.raises(ProductError, match=said):
            make_stack(given, wrong)


def test_a_stack_without_a_valid_pixel_says_which_band_has_none():
    with pytest.raises(EmptyScene, match=r"No pixel of the stack is valid.*phase finite 100%.*elevation finite 0%"):
        make_stack(scene(elevation=np.full((ROWS, COLUMNS), np.nan)), inventory(TILTED))
    with pytest.raises(EmptyScene, match=r"shares of the product's: phase finite 100%.*, valid 0%"):
        make_stack(scene(valid=np.zeros((ROWS, COLUMNS), bool)), inventory(TILTED))


def test_landslides_that_are_neither_inventory_nor_mask_are_refused():
    for wrong, kind in ((TILTED, "Polygon"), ("slides.gpkg", "str"), (np.zeros((ROWS, COLUMNS)), "ndarray")):
        with pytest.raises(ProductError, match=f"landslide is a {kind}: give an inventory"):
            make_stack(scene(), wrong)


def test_patches_cut_and_joined_are_the_stack(tmp_path):
    stack = make_stack(scene(), inventory(HOLED))
    stack["valid"][32:64, 64:] = False
    patches = cut_patches(stack, 32)
    assert patches["bands"].dims == ("patch", "band", "y", "x")
    assert patches["bands"].shape == (4, 7, 32, 32)  # 2 rows of 2; of 90 columns 26 are left over
    assert tuple(patches["band"].to_numpy()) == BANDS
    for number, (row, column) in enumerate(zip(patches["row"].to_numpy(), patches["column"].to_numpy(), strict=True)):
        window = {"y": slice(row, row + 32), "x": slice(column, column + 32)}
        for band, name in enumerate(BANDS):
            np.testing.assert_array_equal(patches["bands"][number, band], stack[name].isel(window))
        for name in ("landslide", "valid"):
            np.testing.assert_array_equal(patches[name][number], stack[name].isel(window))
    assert patches.attrs == {"pixel_m": 50.0, "invalid_patches": 0}
    assert set(patches["region"].to_numpy()) == {"Hokkaido, Japan Region"}
    other = cut_patches(stack.assign_attrs(region="elsewhere"), 32, event="another")
    joined = join_patches([patches, other])
    assert joined.sizes["patch"] == 8
    assert joined["event"].to_numpy().tolist() == ["20180905-iburi-landslides"] * 4 + ["another"] * 4
    assert joined["region"].to_numpy()[-1] == "elsewhere"
    for part, begin in ((patches, 0), (other, 4)):
        assert joined.isel(patch=slice(begin, begin + 4)).equals(part)
    back = load_patches(save_patches(joined, tmp_path / "patches.nc"))
    assert back.identical(joined)
    assert back["event"].dtype == joined["event"].dtype


def test_the_event_is_named_by_the_product_or_by_the_caller():
    row = '{"event_id": "20210814-tiburon", "kind": "landslide"}'
    for stated, name in (({"event": row}, "20210814-tiburon"), ({"event": "of mine"}, "of mine")):
        stack = make_stack(scene(attrs=ATTRS_UNNAMED | stated), inventory(TILTED))
        assert stack.attrs["event"] == name
        assert set(cut_patches(stack, 32)["event"].to_numpy()) == {name}
    nameless = make_stack(scene(attrs=ATTRS_UNNAMED), inventory(TILTED))
    with pytest.raises(ParameterError, match=r"The stack does not name its event, and patches are split by it"):
        cut_patches(nameless, 32)
    assert set(cut_patches(nameless, 32, event="given")["event"].to_numpy()) == {"given"}


def test_patches_without_a_valid_pixel_are_left_out_and_counted():
    stack = make_stack(scene(), inventory(TILTED))
    stack["valid"][:32, :32] = False
    patches = cut_patches(stack, 32)
    assert patches.sizes["patch"] == 3
    assert patches.attrs["invalid_patches"] == 1
    assert join_patches([patches, patches]).attrs["invalid_patches"] == 2
    stack["valid"][:64, :64] = False
    with pytest.raises(EmptyScene, match=r"None of the 4 patches holds a valid pixel"):
        cut_patches(stack, 32)
    with pytest.raises(ParameterError, match=r"Patches of 256 x 256 pixels were asked of a stack of 70 x 90"):
        cut_patches(stack)


def test_the_radars_grid_is_cut_like_a_map(tmp_path):
    made, *_ = radar_scene()
    stack = make_stack(made, inventory(TILTED, to=4326))
    patches = cut_patches(stack, 32)
    np.testing.assert_array_equal(patches["bands"][3, 1], stack["coherence"][32:64, 32:64])
    assert patches.attrs["pixel_m"] == pytest.approx(np.sqrt(48 * 53), abs=0.1)
    assert load_stack(save_stack(stack, tmp_path / "stack.nc")).identical(stack)


def test_pixels_of_a_map_in_degrees_are_measured_on_the_ground():
    given = scene(x=22 + 0.0005 * np.arange(90), y=40 - 0.0005 * np.arange(70), crs=4326)
    patches = cut_patches(make_stack(given, inventory(box(22.01, 39.98, 22.02, 39.99), crs=4326)), 32)
    assert patches.attrs["pixel_m"] == pytest.approx(111_132 * 0.0005 * np.sqrt(np.cos(np.deg2rad(40))), rel=0.01)
    local = make_stack(scene(crs=None), xr.DataArray(exact(TILTED), dims=("y", "x")))
    assert set(cut_patches(local, 32)["region"].to_numpy()) == {"20180905-iburi-landslides"}


def test_what_cannot_be_joined():
    stack = make_stack(scene(), inventory(TILTED))
    with pytest.raises(ParameterError, match=r"Patches of 16, 32 pixels a side"):
        join_patches([cut_patches(stack, 32), cut_patches(stack, 16)])
    with pytest.raises(ParameterError, match=r"Pixels of 50.0 and of 100.0 m were to be joined"):
        join_patches([cut_patches(stack, 32), cut_patches(stack, 32).assign_attrs(pixel_m=100.0)])
    with pytest.raises(ParameterError, match=r"No patches to join"):
        join_patches([])


def test_wrong_bands_are_one_stated_error(tmp_path):
    stack = make_stack(scene(), inventory(TILTED))
    with pytest.raises(ProductError, match=r"No stack: it lacks intensity, landslide"):
        save_stack(stack.drop_vars(["intensity", "landslide"]), tmp_path / "a.nc")
    with pytest.raises(ProductError, match=r"Band intensity of the stack is in '1', it must be in 'dB'"):
        cut_patches(stack.assign(intensity=stack["intensity"].assign_attrs(units="1")), 32)
    patches = cut_patches(stack, 32)
    turned = patches.isel(band=[1, 0, 2, 3, 4, 5, 6])
    with pytest.raises(
        PatchStoreError, match=r"The bands of the patches are coherence, phase.*and must be phase, coherence"
    ):
        save_patches(turned, tmp_path / "a.nc")
    with pytest.raises(PatchStoreError, match=r"The bands of the patches are phase, coherence, and must be"):
        save_patches(patches.isel(band=[0, 1]), tmp_path / "a.nc")
    with pytest.raises(PatchStoreError, match=r"Patches need landslide with dimensions .*and there is none"):
        join_patches([patches.drop_vars("landslide")])
    with pytest.raises(PatchStoreError, match=r"The patches lack region"):
        join_patches([patches.drop_vars("region")])
    with pytest.raises(PatchStoreError, match=r"lack the attribute pixel_m"):
        join_patches([patches.drop_attrs()])
    with pytest.raises(PatchStoreError, match=r"32 x 16 pixels: they must be square"):
        join_patches([patches.isel(x=slice(16))])
    with pytest.raises(PatchStoreError, match=r"valid mask of the patches is uint8"):
        join_patches([patches.assign(valid=patches["valid"].astype("u1"))])
    assert not (tmp_path / "a.nc").exists()


def test_files_that_are_no_patches(tmp_path):
    with pytest.raises(FileFormatError, match=r"No file"):
        load_patches(tmp_path / "none.nc")
    stack = make_stack(scene(), inventory(TILTED))
    with pytest.raises(PatchStoreError, match=r"stack.nc: Patches need bands"):
        load_patches(save_stack(stack, tmp_path / "stack.nc"))
    with pytest.raises(ProductError, match=r"product.nc: No stack: it lacks intensity"):
        load_stack(product.save(scene(), tmp_path / "product.nc"))
    whole = save_patches(cut_patches(stack, 32), tmp_path / "patches.nc").read_bytes()
    (tmp_path / "patches.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileFormatError, match=r"it may be truncated"):
        load_patches(tmp_path / "patches.nc")


def test_statistics_are_of_valid_pixels_of_training_patches_alone():
    stack = make_stack(scene(), inventory(TILTED))
    stack["valid"][:10, :10] = False
    patches = join_patches([cut_patches(stack, 32, event=name) for name in ("one", "two", "three")])
    patches["bands"].values[:4, :, :10, :10] *= np.where(patches["valid"].to_numpy()[:4, None, :10, :10], 1, 1e6)
    patches["bands"].values[8:] = 1e9  # a test event: it would be seen
    patches["bands"].values[4:8, 3] = 7.0
    images, valid = patches["bands"].to_numpy(), patches["valid"].to_numpy()
    for number in range(len(BANDS)):
        mean, spread, pixels = mean_and_spread(images[:, number], valid, np.arange(8))
        values = images[:8, number][valid[:8]].astype(float)
        assert pixels == values.size
        assert mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-12)
        assert spread == pytest.approx(values.std(), rel=1e-5)
    assert mean_and_spread(images[:, 3], valid, np.arange(4, 8))[:2] == (7.0, 1.0)  # it can be divided by
    with pytest.raises(EmptyScene, match=r"The 0 training patches hold no valid pixel"):
        mean_and_spread(images[:, 3], valid, np.arange(0))


def snap_map(folder):
    """What SNAP's Terrain-Correction writes after SnaphuImport, with heights and the local incidence angle."""
    given = {name: values.astype("f4") for name, values in variables((64, 48)).items()}
    names = {
        "i": f"i_ifg_IW1_VV_{DATES}",
        "q": f"q_ifg_IW1_VV_{DATES}",
        "coherence": f"coh_IW1_VV_{DATES}",
        "unwrapped_phase": f"Unw_Phase_ifg_{DATES}",
        "elevation": "elevation",
        "local_incidence_angle": "localIncidenceAngle",
    }
    made = Made(
        {band: Raw(given[name]) for name, band in names.items()},
        metadata={"Abstracted_Metadata": {"radar_frequency": 5405.000454334349, "PASS": "DESCENDING"}},
        wkt=WGS84,
        transform=(0.0005, 0.0, 0.0, -0.0005, 141.2, 42.7),
    )
    return write_dimap(folder / "snap", made), given


def test_what_snap_wrote_is_stacked(tmp_path):
    path, given = snap_map(tmp_path)
    made = read_snap(path)
    slid = box(141.205, 42.675, 141.215, 42.69)
    stack = make_stack(made, inventory(slid, crs=4326, to=UTM, date=["2018-09-06"]))
    for name in ("coherence", "elevation", "local_incidence_angle", "unwrapped_phase"):
        np.testing.assert_array_equal(stack[name], given[name])
    np.testing.assert_allclose(stack["phase"], np.arctan2(given["q"], given["i"]), atol=1e-6)
    assert stack["landslide"].sum() == pytest.approx(20 * 30, rel=0.02)
    assert stack["valid"].all()
    with pytest.raises(InventoryError, match=r"are of 2017-01-01, and the images of 2018-09-05 and 2018-09-17"):
        make_stack(made, inventory(slid, crs=4326, date=["2017-01-01"]))


def test_a_real_pair_from_snap_says_what_it_lacks_and_is_stacked_with_it(shared_data):
    folder = shared_data / "slc" / "snap_pair_amsterdam"
    if not folder.is_dir():
        pytest.skip("real SNAP pair is absent from ../shared/data")
    made = read_snap(folder / "20230331-coreg.znap", pair=folder / "20230319-coreg.znap")
    latitude, longitude = (float(made[name].mean()) for name in ("latitude", "longitude"))
    slid = inventory(Point(longitude, latitude), crs=4326, radius_m=60, date="2023-03-25")
    with pytest.raises(ProductError, match=r"unwrapped_phase, los_displacement: added by unwrapping .*local_incidence"):
        make_stack(made, slid)
    whole = product.add(unwrap(made), {"elevation": 0.0, "local_incidence_angle": made["incidence_angle"].to_numpy()})
    stack = make_stack(whole, slid)
    assert stack["landslide"].sum() == pytest.approx(np.pi * 60**2 / _cell_m2(made), rel=0.05)
    assert stack["valid"].mean() == pytest.approx(float(np.isfinite(whole["unwrapped_phase"]).mean()), abs=1e-3)
    patches = cut_patches(stack, 64, event="amsterdam")
    assert patches.sizes["patch"] == 5
    for number in range(len(BANDS)):
        images = patches["bands"].to_numpy()[:, number]
        assert np.isfinite(mean_and_spread(images, patches["valid"].to_numpy(), np.arange(5))).all()


def _cell_m2(made):
    """Ground of a cell in the middle, m²."""
    frame = product.local_frame(made)
    row, column = (size // 2 for size in frame.east_km.shape)
    part = frame.east_km[row : row + 2, column : column + 2], frame.north_km[row : row + 2, column : column + 2]
    corners = [(east, north) for east, north in zip(*(side.ravel() * 1e3 for side in part), strict=True)]
    return Polygon([corners[0], corners[1], corners[3], corners[2]]).area
