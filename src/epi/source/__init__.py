"""The physics: a dislocation's surface displacement, its size, what the radar would see of it, and its inverse.

`okada` gives the displacement of rectangular dislocations, `size` moments, magnitudes and the fault they ask for,
`motion` how far the ground moves by a catalogue row and where, `detectability` whether Sentinel-1 would see it (both
from a `table` where that is quicker), and `invert` the source that explains an interferogram.
Import from these modules: `okada` and `invert` bring torch along, which the others do without until they need it.
"""
