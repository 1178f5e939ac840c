"""Pictures of single images and bursts in the radar's own grid."""

from collections.abc import Mapping
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from epi.plots.scenes import NO_DATA_COLOUR, colour_bar, label_rim

_STYLES: dict[str, dict[str, Any]] = {
    "amplitude": {"cmap": "gray"},
    "phase": {"cmap": "twilight", "vmin": -np.pi, "vmax": np.pi},
    "coherence": {"cmap": "viridis", "vmin": 0, "vmax": 1},
    "offset": {"cmap": "cividis"},
}
_LABELS = {"amplitude": "amplitude (dB)", "phase": "phase (rad)", "coherence": "coherence", "offset": "offset (pixels)"}


def radar_picture(
    values: ArrayLike,
    *,
    kind: Literal["amplitude", "phase", "coherence", "offset"],
    first_line: float = 0,
    looks: tuple[int, int] = (1, 1),
    axes: Axes | None = None,
    title: str = "",
    label: str = "",
    bar: bool = True,
) -> Axes:
    """Picture of an image as the radar has it: azimuth downward, slant range to the right.

    Parameters
    ----------
    values : (lines, samples); NaN is grey. Amplitudes are drawn from their 2nd to their 98th percentile.
    kind : what they are.
    first_line : number of the first line.
    looks : lines and samples behind one value.
    axes : to draw on; new ones by default.
    title, label : of the panel, and of its colour bar in place of the usual one.
    bar : whether to add the colour bar.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    shown = np.asarray(values, dtype=float)
    style = dict(_STYLES[kind])
    if kind == "amplitude":
        style["vmin"], style["vmax"] = np.nanpercentile(shown, [2, 98])
    axes.set_facecolor(NO_DATA_COLOUR)
    last_line, last_sample = first_line + shown.shape[0] * looks[0], shown.shape[1] * looks[1]
    extent = (0, last_sample, last_line, first_line)
    drawn = axes.imshow(shown, extent=extent, aspect="auto", interpolation="nearest", **style)
    axes.set(xlabel="sample", ylabel="line", title=title)
    label_rim(axes)
    if bar:
        colours = colour_bar(axes, drawn, label or _LABELS[kind])
        if kind == "phase":
            colours.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    return axes


def spectra(powers: Mapping[str, ArrayLike], frequency_hz: ArrayLike, *, band_hz: float) -> Axes:
    """Azimuth spectra of one burst, with the band that its processor kept.

    Parameters
    ----------
    powers : mean power a frequency, by what was done; each is drawn as a share of its own sum.
    frequency_hz : increasing.
    band_hz : width of the band around zero.
    """
    _, axes = plt.subplots(figsize=(8, 3), layout="constrained")
    styles = (("0.45", "--"), ("#0072b2", "-"), ("#d55e00", ":"))
    for (name, power), (colour, line) in zip(powers.items(), styles, strict=False):
        values = np.asarray(power, dtype=float)
        axes.plot(frequency_hz, 100 * values / values.sum(), color=colour, linestyle=line, label=name)
    axes.axvspan(-band_hz / 2, band_hz / 2, color="0.9", zorder=0, label="the processor's band")
    axes.set(xlabel="azimuth frequency (Hz)", ylabel="share of the power (%)", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes
