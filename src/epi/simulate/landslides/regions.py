"""The invented regions of the two recipes, and the recipes."""

from dataclasses import replace

from epi.simulate.landslides.mixture import Mapping, Mixture, Region

_ABOVE_ALL = 1e5  # m: no snow, or trees up to the tops

_FIELD_REGIONS = (
    Region(
        "Haldar Mountains", 6, 32648, (300e3, 3_500e3), (45, 110), (29, 35), (4, 15), (900, 2200), 0.0,
        3200, 4200, 0.45, 0.5, 0.25, (0.75, 1.0), (12,), "earthquake", 33, (4.0, 24.0), (0.03, 0.13), (4.0, 9.0), 0.05,
    ),
    Region(
        "Sorang Islands", 3, 32750, (350e3, 9_080e3), (30, 70), (27, 32), (5, 15), (2, 10), 0.35,
        _ABOVE_ALL, _ABOVE_ALL, 0.85, 0.6, 0.03, (0.55, 0.85), (12,), "earthquake", 30, (6.0, 30.0), (0.035, 0.14),
        (4.0, 9.0), 0.03,
    ),
    Region(
        "Velmora Hills", 2, 32632, (620e3, 4_920e3), (20, 38), (21, 26), (8, 20), (60, 250), 0.0,
        _ABOVE_ALL, _ABOVE_ALL, 0.45, 0.8, 0.08, (0.65, 0.9), (12, 24),
        "rain", 17, (2.0, 9.0), (0.06, 0.2), (5.0, 10.0),
        0.45,
    ),
    Region(
        "Arvane Alps", 2, 32633, (390e3, 5_150e3), (40, 90), (30, 36), (8, 25), (300, 800), 0.0,
        1750, 2600, 0.7, 0.5, 0.12, (0.7, 0.95), (6, 12), "rain", 33, (2.5, 12.0), (0.03, 0.1), (3.0, 7.0), 0.2,
    ),
    Region(
        "Kuroma Peninsula", 2, 32654, (540e3, 4_760e3), (20, 40), (24, 30), (6, 15), (2, 60), 0.15,
        _ABOVE_ALL, _ABOVE_ALL, 0.8, 0.7, 0.02, (0.6, 0.9), (12,), "earthquake", 24, (18.0, 50.0), (0.06, 0.15),
        (6.0, 11.0), 0.02,
    ),
    Region(
        "Minbara Ranges", 2, 32754, (600e3, 9_400e3), (60, 120), (29, 34), (3, 12), (800, 1900), 0.0,
        3700, _ABOVE_ALL, 0.9, 0.2, 0.03, (0.5, 0.8), (12,),
        "earthquake", 33, (4.0, 20.0), (0.05, 0.18), (6.0, 12.0), 0.1,
    ),
    Region(
        "Ghoram Plateau", 2, 32643, (430e3, 3_930e3), (60, 130), (30, 36), (5, 20), (2600, 3600), 0.0,
        3300, 4600, 0.15, 0.35, 0.6, (0.85, 1.0), (12,), "rain", 35, (2.0, 8.0), (0.025, 0.08), (3.0, 7.0), 0.15,
    ),
    Region(
        "Caroa Island", 1, 32618, (600e3, 2_050e3), (25, 60), (26, 31), (5, 15), (2, 10), 0.3,
        _ABOVE_ALL, _ABOVE_ALL, 0.5, 0.55, 0.1, (0.6, 0.85), (12,),
        "earthquake", 29, (6.0, 26.0), (0.05, 0.17), (4.0, 10.0),
        0.03,
    ),
)  # fmt: skip

FIELD = Mixture("field", 71, _FIELD_REGIONS)
"""Twenty events in eight regions, with the inventories of `epi.simulate.landslides.mapped_inventory` for labels."""

_PRACTICE_REGIONS = (
    Region(
        "practice, rising mountains", 1, 32645, (300e3, 3_000e3), (35, 140), (27, 38), (2, 25), (0, 3000), 0.0,
        3000, 4200, 0.5, 0.5, 0.25, (0.6, 1.05), (6, 12, 24),
        "earthquake", 32, (3.0, 25.0), (0.3, 0.9), (1.5, 9.0), 0.2,
    ),
    Region(
        "practice, wet hills", 1, 32645, (300e3, 3_000e3), (12, 50), (21, 32), (4, 25), (0, 600), 0.25,
        _ABOVE_ALL, _ABOVE_ALL, 0.65, 0.65, 0.08, (0.5, 1.0), (6, 12, 24),
        "rain", 24, (3.0, 25.0), (0.3, 0.9), (1.5, 9.0),
        0.25,
    ),
)  # fmt: skip

PRACTICE = replace(
    FIELD,
    name="practice",
    stream=72,
    regions=_PRACTICE_REGIONS,
    endless=True,
    looks=(5.0, 20.0),
    incidence_deg=(29.0, 46.0),
    baseline_m=(90.0, 250.0),
    air_m=(0.002, 0.025),
    layered_m_km=(-0.025, 0.025),
    ramp_m=0.04,
    magnitude=(5.0, 7.2),
    least_px=3.0,
    rapid_keeps=(0.0, 0.5),
    slow_keeps=(0.4, 1.0),
    slow_m=(0.05, 0.9),
    sides_db=(1.5, -2.0),
    mapping=Mapping(missed=0.0, shift_px=0.0, scatter_px=0.0, generalise_m=0.0, bridge_m=0.0),
    rows=512,
    columns=768,
)
"""Events without end in two invented regions, to learn from first; labels are exact."""

RECIPES = {each.name: each for each in (FIELD, PRACTICE)}
