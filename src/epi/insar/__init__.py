"""Part II, the interferogram: the product every step shares, readers for what others write, and unwrapping."""
