"""insar"""
