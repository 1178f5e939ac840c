"""The physics: a dislocation's surface displacement, its size, what the radar would see of it, and its inverse.

`okada` gives the displacement of rectangular dislocations, `size` moments, magnitudes and the fault they ask for,
`detectability` what Sentinel-1 would see of a catalogue row, and `invert` the source that explains an interferogram.
Import from these modules: `okada` and `invert` bring torch along, which the others do without until they need it.
"""
