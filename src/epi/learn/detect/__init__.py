"""Is there an earthquake in this interferogram, and which ground did it move?"""
