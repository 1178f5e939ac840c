"""Which ground a pixel shows.

``zero_doppler``  where and when a passage saw a place: zero_doppler, locate_pixels, burst_geometry (``sight``)
``terrain``   slope, layover, shadow, water; read_dem and fetch_dem (``dem``, ``heights``, ``raster``, ``ellipsoid``)
``geocode``   from the radar's grid to a map; ``mosaic``: many pieces to one map
"""
