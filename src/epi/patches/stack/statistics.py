"""Mean and spread of a band, from training patches alone."""

import numpy as np
from numpy.typing import NDArray

from epi.errors import EmptyScene


def mean_and_spread(
    images: NDArray[np.float32], valid: NDArray[np.bool_], rows: NDArray[np.intp]
) -> tuple[float, float, int]:
    """Mean and standard deviation of some images over their valid pixels, and how many pixels these are.

    Parameters
    ----------
    images : (patches, rows, columns) of one band or channel, in its own unit; what is not finite does not count.
    valid : (patches, rows, columns).
    rows : numbers of the patches that train.

    Returns
    -------
    Mean and standard deviation in the unit of the images, and the number of pixels. What is the same everywhere has a
    standard deviation of 1, so that it can be divided by.

    Raises
    ------
    EmptyScene : no valid pixel.

    References
    ----------
    Chan, Golub & LeVeque (1983), The American Statistician 37(3), for adding up one patch after the other.
    """
    mean, square, count = 0.0, 0.0, 0
    for number in rows:  # a patch at a time: all of them would be copied as float64
        values = images[number][valid[number]].astype(float)
        values = values[np.isfinite(values)]
        if values.size:
            together, own = count + values.size, float(values.mean())
            square += float(np.square(values - own).sum()) + (own - mean) ** 2 * count * values.size / together
            mean += (own - mean) * values.size / together
            count = together
    if not count:
        raise EmptyScene(f"The {len(rows)} training patches hold no valid pixel: choose others.")
    return mean, float(np.sqrt(square / count)) or 1.0, count
