"""Two bursts become fringes.

``ramp``      the steered beam's ramp: Ramp, deramp, reramp, coregister; ``resample``: its kernel
``interferogram``  form, coherence, multilook
``bursts``    one burst pair, from its pixels to averages on the radar's grid
``misregistration``  azimuth_shift by spectral diversity (``diversity``); ``deburst``: joining bursts line to line
"""
