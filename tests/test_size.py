import numpy as np
import pytest

from epi.errors import ParameterError
from epi.source.size import magnitude_moment, moment, moment_magnitude, scaling


def test_magnitude_and_moment_are_inverses():
    magnitudes = np.array([[4.0, 6.3], [7.1, np.nan]])
    np.testing.assert_allclose(moment_magnitude(magnitude_moment(magnitudes)), magnitudes, rtol=1e-14)
    assert float(moment_magnitude(10**18.1)) == pytest.approx(6.0, abs=1e-12)
    assert moment_magnitude(0) == -np.inf


def test_the_published_thessaly_fault_has_its_magnitude():
    assert float(moment_magnitude(moment(9.9, 9.4, 1.15))) == pytest.approx(6.27, abs=0.01)
    assert moment(1, 1, -1) == moment(1, 1, 1) == 30e9 * 1e6


@pytest.mark.parametrize(("mechanism", "constant"), [("dip-slip", 4.00), ("strike-slip", 3.99)])
def test_the_area_is_leonards(mechanism, constant):
    magnitudes = np.arange(4.0, 8.5, 0.5)
    length, width, _ = scaling(magnitudes, mechanism=mechanism)
    np.testing.assert_allclose(np.log10(length * width), magnitudes - constant, atol=0.02)  # printed with two decimals


def test_the_scaling_closes_on_the_magnitude():
    magnitudes = np.linspace(3, 9, 25)
    for mechanism in ("dip-slip", "strike-slip"):
        size = scaling(magnitudes, mechanism=mechanism)
        np.testing.assert_allclose(moment_magnitude(moment(*size)), magnitudes, rtol=1e-12)
        assert (size[0] >= size[1] * (1 - 1e-12)).all()
        assert all((np.diff(side) > 0).all() for side in (size[0], size[2]))
    slip = scaling(6.3, shear_modulus=33e9)[2]
    length, width, _ = scaling(6.3)
    assert slip == pytest.approx(3.8e-5 * np.sqrt(length * width * 1e6), rel=1e-12)


def test_the_shape_of_small_middling_and_large_faults():
    length, width, _ = scaling([4.0, 6.5], mechanism="dip-slip")
    assert length[0] == pytest.approx(width[0])
    assert width[1] * 1e3 == pytest.approx(17.5 * (length[1] * 1e3) ** (2 / 3))
    length, width, _ = scaling([6.5, 7.8], mechanism="strike-slip")
    assert width[0] * 1e3 == pytest.approx(15.0 * (length[0] * 1e3) ** (2 / 3))
    assert width[1] == 19.0


def test_another_mechanism_is_refused():
    with pytest.raises(ParameterError, match="choose dip-slip or strike-slip"):
        scaling(6, mechanism="thrust")
