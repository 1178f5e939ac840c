"""Part II, the interferogram.

``product``  build, add, validate, save, load; look_vector, los_displacement, wrap; local_frame
``readers``  read_scene and one reader a kind of file; ``stated``: what the caller must say; ``points``: tables
``unwrap``   unwrap: from wrapped phase to displacement
``filters``  goldstein, robust_fringes, steadiness, multilook
``contract`` the product's variables, units and ranges; ``frame``: kilometres about an origin
"""
