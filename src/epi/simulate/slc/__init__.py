"""A pair of Sentinel-1 images of an earthquake that was drawn.

``pair``      simulate_pair: two products and the truth beside them
``passage``   the two flights; ``aim``: where their beams point; ``view``: what they see; ``sensor``: the instrument
``plan``      what an image says about itself before it has a pixel
``truth``     what is under the radar and above it
``pixels``    the samples of one burst on both dates; ``focus``: from points on the ground to focused samples
"""
