import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cutde_faults import greens as cutde_greens
from cutde_faults import triangles
from epi.errors import ParameterError
from epi.source import okada

THRUST = (0.0, 0.0, 6.0, 30.0, 40.0, 12.0, 8.0)


def okada_frame(x, y, depth, dip, length, width):
    """Field at (x, y) in the frame of the paper: origin above the lower left corner, x along strike, y to its left."""
    if dip < 0:  # upside down: the same rectangle with the origin above its upper edge, seen from the other end
        centroid, strike = (length / 2, 0.0, depth + width / 2), 270.0
    else:
        half = np.array([np.cos(np.deg2rad(dip)), -np.sin(np.deg2rad(dip))]) * width / 2
        centroid, strike = (length / 2, half[0], depth + half[1]), 90.0
    return okada.greens([x], [y], (*centroid, strike, abs(dip), length, width))[0, 0].numpy()


# Okada (1985), table 2: displacement along x, y, z; zeros stand in the table as zeros.
TABLE_2 = [
    ((2, 3, 4, 70, 3, 2), "strike-slip", ("-8.689e-03", "-4.298e-03", "-2.747e-03")),
    ((2, 3, 4, 70, 3, 2), "dip-slip", ("-4.682e-03", "-3.527e-02", "-3.564e-02")),
    ((2, 3, 4, 70, 3, 2), "opening", ("-2.660e-04", "1.056e-02", "3.214e-03")),
    ((0, 0, 4, 90, 3, 2), "strike-slip", ("0", "5.253e-03", "0")),
    ((0, 0, 4, 90, 3, 2), "dip-slip", ("0", "0", "0")),
    ((0, 0, 4, 90, 3, 2), "opening", ("1.223e-02", "0", "-1.606e-02")),
    ((0, 0, 4, -90, 3, 2), "strike-slip", ("0", "1.303e-03", "0")),
    ((0, 0, 4, -90, 3, 2), "dip-slip", ("0", "0", "0")),
    ((0, 0, 4, -90, 3, 2), "opening", ("3.507e-03", "0", "-7.740e-03")),
]


@pytest.mark.parametrize(("case", "kind", "printed"), TABLE_2)
def test_the_published_check_values(case, kind, printed):
    column = ("strike-slip", "dip-slip", "opening").index(kind)
    for value, text in zip(okada_frame(*case)[:, column], printed, strict=True):
        assert abs(value) < 1e-15 if text == "0" else f"{value:.3e}" == text


def random_faults(rng, count):
    length, width, dip = rng.uniform(1, 40, count), rng.uniform(1, 20, count), rng.uniform(0, 89, count)
    dip[::10], dip[1::10] = 90.0, 0.0
    top = np.where(np.arange(count) % 7 == 2, 0.0, rng.uniform(0.1, 15, count))
    top[dip == 0] += 1.0
    depth = top + width / 2 * np.sin(np.deg2rad(dip))
    place = rng.uniform(-10, 10, (2, count))
    return np.column_stack((*place, depth, rng.uniform(-180, 360, count), dip, length, width))


def far_from_edges(east, north, faults, km):
    """Which (fault, point) pairs are at least that far from the four edges."""
    corners = triangles(faults)[0]
    edges = [(corners[:, 0, 0], corners[:, 0, 1]), (corners[:, 0, 1], corners[:, 0, 2])]
    edges += [(corners[:, 0, 2], corners[:, 1, 2]), (corners[:, 1, 2], corners[:, 0, 0])]
    points = np.stack([east, north, np.zeros_like(east)], axis=-1)
    nearest = np.full((len(faults), len(east)), np.inf)
    for start, end in edges:
        side = (end - start)[:, None]
        along = ((points - start[:, None]) * side).sum(-1) / (side * side).sum(-1)
        foot = start[:, None] + along.clip(0, 1)[..., None] * side
        nearest = np.minimum(nearest, np.linalg.norm(points - foot, axis=-1))
    return nearest >= km


def test_a_thousand_faults_agree_with_cutde():
    rng = np.random.default_rng(1985)
    faults = random_faults(rng, 1000)
    east, north = rng.uniform(-60, 60, (2, 40))
    ours, theirs = okada.greens(east, north, faults).numpy(), cutde_greens(east, north, faults)
    away = far_from_edges(east, north, faults, km=0.1)
    assert away.mean() > 0.99
    difference = np.where(away[..., None, None], np.abs(ours - theirs), 0).max(axis=(1, 2, 3))
    largest = np.abs(ours).max(axis=(1, 2, 3))
    assert (difference / largest).max() < 1e-8


def okada_60_digits(east, north, geometry):
    """Okada's equations (25) to (28) as they are printed, with enough digits to bear their cancellations."""
    sin, cos, log, atan, sqrt = mpmath.sin, mpmath.cos, mpmath.log, mpmath.atan, mpmath.sqrt
    east, north, *values = (mpmath.mpf(float(value)) for value in (east, north, *geometry))
    fault_east, fault_north, depth, strike, dip, length, width = values
    strike, dip = mpmath.radians(strike), mpmath.radians(dip)
    s, c, alpha = sin(dip), cos(dip), mpmath.mpf(1) / 2
    along = (east - fault_east) * sin(strike) + (north - fault_north) * cos(strike)
    left = (north - fault_north) * sin(strike) - (east - fault_east) * cos(strike)
    p, q = left * c + depth * s, left * s - depth * c

    def corner(xi, eta):
        r, x = sqrt(xi**2 + eta**2 + q**2), sqrt(xi**2 + q**2)
        y, d = eta * c + q * s, eta * s - q * c
        theta = atan(xi * eta / (q * r))
        i5 = alpha * 2 / c * atan((eta * (x + q * c) + x * (r + x) * s) / (xi * (r + x) * c))
        i4 = alpha / c * (log(r + d) - s * log(r + eta))
        i3 = alpha * (y / (c * (r + d)) - log(r + eta)) + s / c * i4
        i2, i1 = -alpha * log(r + eta) - i3, -alpha * xi / (c * (r + d)) - s / c * i5
        a, b = 1 / (r * (r + eta)), 1 / (r * (r + xi))
        wedge = xi * q * a - theta
        strike_slip = (
            xi * q * a + theta + i1 * s,
            y * q * a + q * c / (r + eta) + i2 * s,
            d * q * a + q * s / (r + eta) + i4 * s,
        )
        dip_slip = (q / r - i3 * s * c, y * q * b + c * theta - i1 * s * c, d * q * b + s * theta - i5 * s * c)
        opening = (q * q * a - i3 * s**2, -d * q * b - s * wedge - i1 * s**2, y * q * b + c * wedge - i5 * s**2)
        return mpmath.matrix([[-value for value in strike_slip], [-value for value in dip_slip], list(opening)]).T

    ends, edges = (along + length / 2, along - length / 2), (p + width / 2, p - width / 2)
    field = (
        corner(ends[0], edges[0]) - corner(ends[0], edges[1]) - corner(ends[1], edges[0]) + corner(ends[1], edges[1])
    )
    turn = mpmath.matrix([[sin(strike), -cos(strike), 0], [cos(strike), sin(strike), 0], [0, 0, 1]])
    return np.array((turn * field / (2 * mpmath.pi)).tolist(), dtype=np.float64)


@pytest.mark.parametrize("dip", [1e-6, 0.5, 20, 70, 89.4, 89.43, 89.9, 89.99, 89.9999, 89.999999, 90])
def test_every_dip_is_exact_to_the_last_digits(dip):
    rng = np.random.default_rng(int(dip))
    for top in (0.001, 0.5, 3, 15):
        length, width = rng.uniform(1, 40), rng.uniform(1, 20)
        fault = (1, -2, top + width / 2 * np.sin(np.deg2rad(dip)), rng.uniform(0, 360), dip, length, width)
        east, north = rng.uniform(-30, 30, 2)
        with mpmath.workdps(60):
            exact = okada_60_digits(east, north, fault if dip < 90 else (*fault[:4], 90 - 1e-14, *fault[5:]))
        assert np.abs(okada.greens([east], [north], fault)[0, 0].numpy() - exact).max() < 2e-12


def test_the_signs_of_the_three_motions():
    vertical = (0, 0, 6, 0, 90, 20, 10)  # strikes north
    east_side, west_side = okada.greens([3, -3], [0, 0], vertical)[0].numpy()
    assert east_side[1, 0] > 0.1  # left-lateral: the far side, seen from the west, goes left, to the north
    assert west_side[1, 0] == pytest.approx(-east_side[1, 0])
    thrust = (0, 0, 6, 0, 30, 20, 10)  # dips east: the hanging wall above it rises and goes west
    east, _, up = okada.greens([0], [0], thrust)[0, 0, :, 1].numpy()
    assert up > 0.1
    assert east < -0.03
    assert okada.greens([0], [0], (0, 0, 6, 0, 0, 20, 10))[0, 0, 2, 2] > 0.3  # a sill that opens lifts the ground


def test_a_fault_that_breaks_the_surface_offsets_it_by_its_slip():
    faults = [(0, 2 * np.cos(np.deg2rad(dip)), 2 * np.sin(np.deg2rad(dip)), 270, dip, 40, 4) for dip in (20, 60, 90)]
    north = np.array([2e-6, -2e-6])  # hanging wall and foot wall; the trace is the line north = 0, the strike west
    field = okada.greens(np.zeros(2), north, faults).numpy()
    jump = field[:, 0] - field[:, 1]
    for fault, dip in zip(jump, np.deg2rad([20, 60, 90]), strict=True):
        axes = [(-1, 0, 0), (0, -np.cos(dip), np.sin(dip)), (0, np.sin(dip), np.cos(dip))]
        np.testing.assert_allclose(fault, np.transpose(axes), atol=1e-5)
    on_the_trace = okada.greens([0], [0], faults)[:, 0].numpy()
    np.testing.assert_allclose(on_the_trace, field[:, 0], atol=1e-5)


@pytest.mark.parametrize("dip", [0, 1e-12, 30, 89.999, 90])
@pytest.mark.parametrize("top", [0.0, 2.0])
def test_no_singular_point_is_left(dip, top):
    c, s = np.cos(np.deg2rad(dip)), np.sin(np.deg2rad(dip))
    fault = (0, 0, top + 2 * s, 0, dip, 10, 4)  # strikes north, dips east
    across = np.array([0, -2 * c, 2 * c, -2 * c - (top / s * c if s > 0.1 else 0)])  # also where its plane comes up
    along = np.array([0, 5, -5, 7, -7])
    east, north = (grid.ravel() for grid in np.meshgrid(across, along))
    field = okada.greens(east, north, fault)
    assert field.isfinite().all()
    assert field.abs().max() < 1.5
    if top > 0:
        nearby = okada.greens(east + 1e-7, north + 1e-7, fault)
        assert (field - nearby).abs().max() < 1e-6


def test_halves_make_a_whole():
    east, north = np.random.default_rng(2).uniform(-20, 20, (2, 50))
    strike, dip = np.deg2rad(THRUST[3:5])
    along = np.array([np.sin(strike), np.cos(strike), 0]) * THRUST[5] / 4
    down = np.array([np.cos(strike) * np.cos(dip), -np.sin(strike) * np.cos(dip), np.sin(dip)]) * THRUST[6] / 4
    size = (THRUST[5] / 2, THRUST[6] / 2)
    quarters = [(*(THRUST[:3] + i * along + j * down), *THRUST[3:5], *size) for i in (-1, 1) for j in (-1, 1)]
    whole = okada.greens(east, north, THRUST)[0]
    torch.testing.assert_close(okada.greens(east, north, quarters).sum(0), whole, rtol=0, atol=1e-14)


@settings(deadline=None, max_examples=30)
@given(scale=st.floats(0.01, 100), turn=st.floats(-360, 360), east=st.floats(-30, 30), north=st.floats(-30, 30))
def test_the_field_scales_and_turns_with_the_fault(scale, turn, east, north):
    angle = np.deg2rad(turn)  # clockwise
    turn_enu = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = scale * (turn_enu[:2, :2] @ [east, north])
    turned = (0, 0, scale * THRUST[2], THRUST[3] + turn, THRUST[4], scale * THRUST[5], scale * THRUST[6])
    expected = turn_enu @ okada.greens([east], [north], THRUST)[0, 0].numpy()
    np.testing.assert_allclose(okada.greens(*moved[:, None], turned)[0, 0], expected, rtol=0, atol=1e-9)


def test_far_away_a_fault_is_a_point_source():
    east, north = np.array([40.0, 0.0, -30.0]), np.array([0.0, 50.0, 30.0])
    small = okada.greens(east, north, (0, 0, 10, 20, 50, 1e-3, 1e-3)) / 1e-6
    large = okada.greens(east, north, (0, 0, 10, 20, 50, 1.0, 1.0))
    torch.testing.assert_close(small, large, rtol=0, atol=3e-3 * float(large.abs().max()))


def test_three_ways_to_one_field():
    rng = np.random.default_rng(3)
    faults = random_faults(rng, 30)
    east, north = rng.uniform(-40, 40, (2, 1500))
    look = rng.normal(size=(1500, 3))
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    slip = rng.normal(size=(30, 3))
    field = okada.greens(east, north, faults)
    los = okada.los_greens(east, north, look, faults)
    torch.testing.assert_close(
        los, torch.einsum("fnij,ni->fnj", field[..., :2], torch.tensor(look)), rtol=0, atol=1e-14
    )
    for opening in (1, 0):
        slip[:, 2] *= opening
        moved = okada.displacement(east, north, np.column_stack((faults, slip)))
        torch.testing.assert_close(moved, torch.einsum("fnij,fj->fni", field, torch.tensor(slip)), rtol=0, atol=1e-13)
    one_look = okada.los_greens(east, north, look[0], faults)
    torch.testing.assert_close(one_look, okada.los_greens(east, north, np.tile(look[0], (1500, 1)), faults))


def test_the_blocks_leave_no_seam(monkeypatch):
    faults, (east, north) = (
        random_faults(np.random.default_rng(4), 11),
        np.random.default_rng(5).uniform(-9, 9, (2, 70)),
    )
    whole = okada.greens(east, north, faults)
    for pairs in (1, 32, 170):
        monkeypatch.setattr(okada, "_BLOCK", pairs)
        torch.testing.assert_close(okada.greens(east, north, faults), whole, rtol=0, atol=1e-14)


def test_shapes_types_and_gaps():
    east, north = np.array([1.0, np.nan, 3.0], dtype=np.float32), [0, 0, 0]
    east.flags.writeable = False
    field = okada.greens(east, north, THRUST)
    assert field.shape == (1, 3, 3, 3)
    assert field.dtype == torch.float64
    assert field[0, 1].isnan().all()
    assert field[0, ::2].isfinite().all()
    assert okada.greens([], [], THRUST).shape == (1, 0, 3, 3)
    assert okada.los_greens(east, north, np.eye(3), np.empty((0, 7))).shape == (0, 3, 2)
    assert okada.displacement(east, north, (*THRUST, 1, 0, 0)).shape == (1, 3, 3)


def test_gradients_reach_the_geometry():
    geometry = torch.tensor([THRUST], dtype=torch.float64, requires_grad=True)
    okada.los_greens([3.0], [4.0], (0.6, 0.1, 0.8), geometry).sum().backward()
    step = 1e-5
    for column in range(7):
        shifted = [np.array(THRUST) + sign * step * (np.arange(7) == column) for sign in (1, -1)]
        up, down = (okada.los_greens([3.0], [4.0], (0.6, 0.1, 0.8), shape).sum() for shape in shifted)
        assert geometry.grad[0, column] == pytest.approx(float(up - down) / (2 * step), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("length_km", -3, "greater than 0"),
        ("width_km", 0, "greater than 0"),
        ("dip", 91, "between 0 and 90"),
        ("dip", -1, "between 0 and 90"),
        ("depth_km", 2, "above the surface"),
        ("strike", np.nan, "not a finite number"),
        ("east_km", np.inf, "not a finite number"),
    ],
)
def test_a_fault_that_cannot_be_is_named(column, value, reason):
    faults = np.array([THRUST] * 4)
    faults[2, okada.GEOMETRY.index(column)] = value
    with pytest.raises(ParameterError, match=rf"^Fault 2 .*{column} {value:g}.*{reason}"):
        okada.greens([0], [0], faults)
    with pytest.raises(ParameterError, match=r"^Fault 2 "):
        okada.los_greens([0], [0], (0, 0, 1), faults)
    with pytest.raises(ParameterError, match=r"^Fault 2 "):
        okada.displacement([0], [0], np.column_stack((faults, np.ones((4, 3)))))


def test_what_does_not_fit_together_is_named():
    with pytest.raises(ParameterError, match="Fault 0: slip"):
        okada.displacement([0], [0], (*THRUST, 1, np.nan, 0))
    with pytest.raises(ParameterError, match="7 columns are needed: east_km"):
        okada.greens([0], [0], np.ones((2, 10)))
    with pytest.raises(ParameterError, match="2 points east but 1 north"):
        okada.greens([0, 1], [0], THRUST)
    with pytest.raises(ParameterError, match="Look vectors"):
        okada.los_greens([0, 1], [0, 1], np.ones((3, 3)), THRUST)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_field():
    rng = np.random.default_rng(6)
    faults, (east, north) = random_faults(rng, 50), rng.uniform(-40, 40, (2, 200))
    field = okada.greens(torch.tensor(east, device="cuda"), north, faults)
    assert field.is_cuda
    torch.testing.assert_close(field.cpu(), okada.greens(east, north, faults), rtol=0, atol=1e-12)
