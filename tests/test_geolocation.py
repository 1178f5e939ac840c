"""Geolocation: patches agree with their product's own latitudes and longitudes, and one that does not is named."""

from dataclasses import replace

import numpy as np
import pytest

from epi.errors import NoGeoreference, PatchStoreError, ProductError
from epi.insar import product
from epi.patches import check_places, cut, cut_radar
from epi.settings import PROJECT_ROOT
from patch_scenes import geographic_scene, plane_scene, radar_scene

SCENES = {
    "map in metres": lambda: (scene := plane_scene(60), cut(scene, size_km=10, pixels=20)),
    "map in degrees": lambda: (scene := geographic_scene(), cut(scene, size_km=10, pixels=8)),
    "map turned": lambda: (
        scene := geographic_scene().isel(y=slice(None, None, -1)),
        cut(scene, size_km=10, pixels=8),
    ),
    "map narrower than a patch": lambda: (scene := plane_scene(60), cut(scene, size_km=40, pixels=20)),
    "radar, squares of ground": lambda: (scene := radar_scene((120, 80)), cut(scene, size_km=4, pixels=10)),
    "radar pixels, ascending": lambda: (scene := radar_scene((120, 80)), cut_radar(scene, side=500, pixels=10)),
    "radar pixels, descending": lambda: (
        scene := radar_scene((120, 80), flight="descending"),
        cut_radar(scene, side=500, pixels=10),
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_patches_lie_where_their_product_says(scene):
    made, patches = SCENES[scene]()
    off = check_places(made, patches)
    assert list(off) == ["top_left", "top_right", "bottom_left", "bottom_right", "center"]
    assert len(off) == len(patches)
    assert off.max(axis=None) < 0.05


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("place", ["top_left", "bottom_right", "center"])
def test_a_place_off_by_more_than_a_pixel_is_named(scene, place):
    made, patches = SCENES[scene]()
    column = "center_lat" if place == "center" else f"lat_{place}"
    table = patches.table.copy()
    table.loc[0, column] += 0.03  # 3.3 km: more than a pixel of any of them
    name = "/".join(table.loc[0, ["event", "subswath", "patch"]])
    message = rf"1 of {len(table)} patches .* {name} \({place}: 3\.3\d+ km, "
    with pytest.raises(PatchStoreError, match=message) as caught:
        check_places(made, replace(patches, table=table))
    assert "\n" not in str(caught.value)


def test_chapter_05_checks_its_patches_before_it_writes_them():
    text = (PROJECT_ROOT / "notebooks" / "05_patches.py").read_text(encoding="utf-8")
    checked, written = text.index("patches.check_places(scene, pieces)"), text.index("patches.write(folder, pieces)")
    assert text.index("patches.cut_radar(") < text.index("patches.check_places(subswath, strips)") < checked < written


def test_the_tolerance_is_in_pixels_of_the_product():
    made, patches = SCENES["map in metres"]()
    shifted = patches.table.copy()
    shifted["center_lat"] += 0.9 * 500 / 111_100  # 0.9 of a pixel of 500 m north
    off = check_places(made, replace(patches, table=shifted))
    np.testing.assert_allclose(off["center"], 0.9, atol=0.01)
    with pytest.raises(PatchStoreError, match=r"25 of 25 patches .* by more than 0\.5 pixel.* and 22 more"):
        check_places(made, replace(patches, table=shifted), tolerance=0.5)


def test_rows_and_columns_mixed_up_are_found():
    """Offsets sorted as strings, or columns taken for rows, put patches where they are not."""
    made, patches = SCENES["radar pixels, ascending"]()
    table = patches.table.assign(row=patches.table["column"], column=patches.table["row"])
    with pytest.raises(PatchStoreError, match=r"reach beyond|are not where the product has them"):
        check_places(made, replace(patches, table=table))
    order = patches.table["patch"].str.replace("_0+", "_", regex=True).argsort()
    places = [name for name in patches.table if name.startswith(("lat_", "lon_", "center_"))]
    scrambled = patches.table.copy()
    scrambled[places] = patches.table[places].iloc[order].to_numpy()
    assert (order.to_numpy() != np.arange(len(order))).any()
    with pytest.raises(PatchStoreError, match="are not where the product has them"):
        check_places(made, replace(patches, table=scrambled))


def test_a_missing_place_and_another_product_are_refused():
    made, patches = SCENES["map in metres"]()
    table = patches.table.copy()
    table.loc[3, "lon_top_right"] = np.nan
    with pytest.raises(PatchStoreError, match=r"1 of 25 patches .*\(top_right: nowhere\)"):
        check_places(made, replace(patches, table=table))
    with pytest.raises(PatchStoreError, match=r"reach beyond the product's 40 rows, first 20210303-thessaly/merged/"):
        check_places(plane_scene(40), patches)
    with pytest.raises(PatchStoreError, match="25 of 25 patches are not where the product has them"):
        check_places(plane_scene(60, origin=(10.0, 20.0)), patches)


def test_without_latitude_and_longitude_there_is_nothing_to_compare():
    local = plane_scene(60, origin=None)
    with pytest.raises(NoGeoreference, match="no latitude and longitude to compare the patches with"):
        check_places(local, cut(local, size_km=10, pixels=20))
    points = product.build({"los_displacement": np.zeros(3)}, x=[0, 1, 2], y=[0, 1, 2], geometry="points")
    with pytest.raises(ProductError, match="A table of points was given"):
        check_places(points, cut(local, size_km=10, pixels=20))
