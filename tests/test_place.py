"""Where patches lie: geodesics, offsets and their inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from epi.patches import offset, shifted


def test_the_published_example_is_172_km_away():
    """202,279 m was published for these two places; the geodesic is 172.05 km (171,689 m on a sphere of 6371 km)."""
    distance, east, north = offset(33.5663, 47.5934, (33.7388, 45.7501))
    assert float(distance) == pytest.approx(172.048, abs=0.0005)
    assert east < 0 < north


@given(
    latitude=st.floats(-80, 80),
    longitude=st.floats(-180, 180),
    east=st.floats(-400, 400),
    north=st.floats(-400, 400),
)
def test_offset_undoes_shift(latitude, longitude, east, north):
    reached = shifted(latitude, longitude, east, north)
    distance, back_east, back_north = offset(latitude, longitude, (float(reached[0]), float(reached[1])))
    assert float(distance) == pytest.approx(np.hypot(east, north), abs=1e-6)
    np.testing.assert_allclose([back_east, back_north], [east, north], atol=1e-5)


def test_across_the_antimeridian_the_short_way():
    distance, east, _ = offset(-17.0, 179.5, (-17.0, -179.5))
    along = Geod(ellps="WGS84").inv(179.5, -17.0, 180.5, -17.0)[2] / 1e3
    assert float(distance) == pytest.approx(along)
    assert east > 100


def test_unknown_place_gives_unknown_distance():
    assert np.isnan(offset(np.nan, np.nan, (30.0, 40.0))[0])
