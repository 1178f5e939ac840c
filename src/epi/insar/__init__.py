"""Part II, the interferogram.

The product
    ``product``   build, add, validate, save, load; look_vector, los_displacement, wrap; local_frame
    ``contract``  its variables, units and ranges; ``frame``: kilometres about an origin
    ``readers``   read_scene and one reader a kind of file; ``stated``: what the caller must say; ``points``: tables

From two SLC products to a map
    ``safe``      open_safe, read_image, read_burst, slc (``manifest``, ``annotation``, ``asf_burst``)
    ``matching``  which products, bursts and slices belong together; ``orbits``: state vectors and the arc between them
    ``geometry``  zero_doppler, locate_pixels, burst_geometry, look_vectors (``sight``, ``ellipsoid``)
    ``terrain``   read_dem, fetch_dem, layover_shadow, local_incidence_angle (``dem``, ``heights``, ``raster``)
    ``topsar``    Ramp, deramp, reramp, coregister; ``resample``: its kernel
    ``interferogram``  form, coherence, multilook; ``bursts``: one burst pair from pixels to averages
    ``misregistration``  azimuth_shift by spectral diversity (``diversity``); ``deburst``: joining bursts line to line
    ``geocode``   from the radar's grid to a map; ``mosaic``: many pieces to one map
    ``filters``   goldstein, robust_fringes, steadiness; ``unwrap``: from wrapped phase to displacement
    ``engines``   ``native``: the chain; ``snap``: the same through ESA's SNAP; ``snap_products``: what SNAP wrote
"""
