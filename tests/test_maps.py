"""Maps draw their coastline from the project and nowhere else."""

import urllib.request
from dataclasses import replace

import cartopy.crs as ccrs
import cartopy.io.shapereader as shapereader
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import shapely
from matplotlib.colors import to_hex

from epi import plots
from epi.catalogue import find_event, match_pairs
from epi.settings import settings
from epi.simulate.acquisitions import candidate_scenes

COAST = settings().data / "cartopy" / "shapefiles" / "natural_earth" / "physical" / "ne_50m_coastline.shp"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a map asked the network for something")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    yield
    plt.close("all")


def coastline() -> shapely.Geometry:
    return shapely.union_all(list(shapereader.Reader(COAST).geometries()))


def test_the_coastline_is_small_and_has_no_line_across_the_map():
    assert COAST.stat().st_size < 450_000
    for line in shapely.get_parts(coastline()):
        assert np.abs(np.diff(np.array(line.coords)[:, 0])).max() < 180


@pytest.mark.parametrize(
    ("place", "degrees"),
    [((23.64, 37.94), 0.1), ((-122.51, 37.78), 0.1), ((-16.9, 32.65), 0.15), ((178.0, -38.66), 0.1)],
    ids=["Piraeus", "San Francisco", "Madeira", "Gisborne"],
)
def test_the_coast_is_where_ports_are(place, degrees):
    assert coastline().distance(shapely.Point(place)) < degrees


def drawn(axes) -> None:
    axes.figure.canvas.draw()


def test_the_bars_are_of_the_colour_of_their_verdict():
    verdicts = ["hidden", "unknown", "faint", "plain"]
    peaks = np.array([0.002, 0.005, 0.015, 0.2])
    events = pd.DataFrame({"event_id": list("abcd"), "peak_los_m": peaks, "peak_los_max_m": peaks, "visible": verdicts})
    axes = plots.peak_bars(events, noise_m=0.01, fringe_m=0.028)
    drawn(axes)
    colours = [to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert colours == [plots.VERDICT_STYLE[verdict][0] for verdict in verdicts]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.2, 0.5, 1.5, 20])


@pytest.mark.parametrize(("latitude", "longitude"), [(39.75, 22.18), (-17.8, 179.97), (-17.8, -179.97)])
def test_the_regional_map_keeps_to_its_region(latitude, longitude):
    event = replace(find_event("20210303-thessaly"), latitude=latitude, longitude=longitude)
    table = match_pairs(event, candidate_scenes(event)).table()
    axes = plots.footprint_map(table, latitude=latitude, longitude=longitude, radius_km=40)
    drawn(axes)
    west, east, south, north = axes.get_extent(ccrs.PlateCarree(central_longitude=longitude))
    assert west < 0 < east
    assert east - west < 8
    assert south < latitude < north


def test_the_timeline_has_a_line_a_track_and_every_candidate_on_it():
    event = find_event("20210303-thessaly")
    table = match_pairs(event, candidate_scenes(event)).table()
    axes = plots.timeline(table, window_days=15)
    drawn(axes)
    assert [label.get_text().split()[1] for label in axes.get_yticklabels()] == ["80", "7", "175", "102"]
    points = np.concatenate([mark.get_offsets() for mark in axes.collections if len(mark.get_offsets())])
    assert sorted(np.round(points[:, 0], 6)) == sorted(np.round(table["days"], 6))


def test_no_candidate_at_all_still_makes_figures():
    event = find_event("20210303-thessaly")
    table = match_pairs(event, []).table()
    assert isinstance(table, pd.DataFrame)
    drawn(plots.timeline(table, window_days=15))
    drawn(plots.footprint_map(table, latitude=event.latitude, longitude=event.longitude, radius_km=40))
