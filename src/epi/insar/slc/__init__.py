"""Sentinel-1 IW SLC images as they are delivered.

``safe``      open_safe, read_image, read_burst, from a folder or a zip (``manifest``, ``asf_burst``)
``annotation``  timing, bursts, Doppler, orbit of one image; ``annotation_xml`` reads it
``orbits``    state vectors and the arc between them; ``orbit_files``: read, found in a folder, fetched
``matching``  which products, bursts and slices belong together
"""
