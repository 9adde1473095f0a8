"""The compiled sums against their twins and against exact summation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from infostat.core.pairwise_kernels import product_sum
from infostat.divergences.entropic_kernels import sum_array
from infostat.divergences.row_kernels import chain_sum


@pytest.mark.parametrize("count", [1, 3, 4, 5, 17, 1000])
def test_sums(count):
    g = np.random.default_rng(count)
    left, right = g.random(1200), g.random(1200)
    exact = math.fsum(left[:count])
    for value in (sum_array(left[:count]), sum_array.twin(left[:count])):
        assert value == pytest.approx(exact, rel=1e-13)
    for value in (chain_sum(left, count), chain_sum.twin(left, count)):
        assert value == pytest.approx(exact, rel=1e-13)
    products = math.fsum(left[:count] * right[:count])
    for value in (product_sum(left, right, count), product_sum.twin(left, right, count)):
        assert value == pytest.approx(products, rel=1e-13)
