"""The map of the catalogue shows every event as what it is."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PathCollection

from epi import plots
from epi.catalogue import read_events


def test_the_map_by_kind_shows_every_event_once():
    events = read_events()
    axes = plots.kinds_map(events)
    axes.figure.canvas.draw()
    marks = [mark.get_offsets() for mark in axes.collections if isinstance(mark, PathCollection)]
    drawn = np.concatenate([np.asarray(each) for each in marks])
    expected = events[["longitude", "latitude"]].to_numpy()
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, expected))
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[:3] == [f"{kind} ({(events['kind'] == kind).sum()})" for kind in plots.KIND_STYLE]
    plt.close("all")


def test_a_larger_earthquake_is_a_larger_mark_and_what_is_not_there_is_not_named():
    events = read_events().query("kind == 'earthquake'").sort_values("magnitude")
    axes = plots.kinds_map(events)
    [marks] = [mark for mark in axes.collections if len(mark.get_offsets()) == len(events)]
    assert (np.diff(marks.get_sizes()) >= 0).all()
    assert marks.get_sizes()[-1] > 4 * marks.get_sizes()[0]
    assert not any("quiet" in text.get_text() for text in axes.get_legend().get_texts())
    plt.close("all")


def test_a_quiet_window_hides_no_earthquake_at_its_place():
    events = read_events()
    axes = plots.kinds_map(events)
    order = {len(m.get_offsets()): m.get_zorder() for m in axes.collections if isinstance(m, PathCollection)}
    counts = events["kind"].value_counts()
    assert order[counts["earthquake"]] > order[counts["quiet"]]
    plt.close("all")
