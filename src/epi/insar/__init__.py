"""Part II, the interferogram.

The product
    ``product``   build, add, validate, save, load; look_vector, los_displacement, wrap; local_frame
    ``contract``  its variables, units and ranges; ``frame``: kilometres about an origin
    ``filters``   goldstein, robust_fringes, steadiness; ``unwrap``: from wrapped phase to displacement
    ``readers``   interferograms that others made: read_scene, and one reader a kind of file

From two SLC products to a map
    ``slc``       images as they are delivered: their files, annotation, orbits, and which belong together
    ``geometry``  which ground a pixel shows: ellipsoid, terrain, zero-Doppler time, and the way to a map
    ``topsar``    two bursts become fringes: ramp, kernel, coherence, misregistration, joining
    ``engines``   ``native``: the chain; ``snap``: the same through ESA's SNAP; ``snap_products``: what SNAP wrote
"""
