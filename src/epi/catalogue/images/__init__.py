"""Radar images: what archives say of them."""
