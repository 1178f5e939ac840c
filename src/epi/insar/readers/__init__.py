"""Interferograms that others made: whatever the file, a product comes out.

``files``   read_scene, and one reader a kind of file; ``points``: tables of points
``stated``  what a file of numbers does not say and its reader must be told
"""
