from __future__ import annotations

import re

import pytest

from memstow.errors import InvalidInputError
from memstow.units import BANDWIDTH, BYTES, COUNT, FLOPS, SECONDS, Quantity


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        (BYTES, "4096", 4096),
        (BYTES, "0.5KiB", 512),
        (BYTES, " 8 MiB ", 8 << 20),
        (BYTES, "9007199254740993", 9007199254740993),
        (BANDWIDTH, "819GB/s", 819e9),
        (BANDWIDTH, "8.19e11", 819e9),
        (BANDWIDTH, "1KiB/s", 1024.0),
        (SECONDS, "1.5us", 1.5e-6),
        (SECONDS, "1.5µs", 1.5e-6),
        (FLOPS, "197TFLOP/s", 197e12),
        (COUNT, "4", 4),
    ],
)
def test_quantities_are_read(quantity: Quantity, text: str, value: float) -> None:
    assert quantity.parse(text, "here") == value


@pytest.mark.parametrize(
    ("quantity", "text"),
    [(BYTES, "0.3"), (BYTES, "8MB"), (BYTES, "-1"), (BANDWIDTH, "fast"), (SECONDS, "1 h"), (COUNT, "1.5"), (COUNT, "")],
)
def test_others_are_refused_with_what_was_expected(quantity: Quantity, text: str) -> None:
    expected = re.escape(f"--vary x: expected {quantity.expected}, found {text!r}")
    with pytest.raises(InvalidInputError, match=f"^{expected}$"):
        quantity.parse(text, "--vary x")


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        (BYTES, 0, "0 B"),
        (BYTES, 1 << 20, "1 MiB"),
        (BYTES, 1536, "1.5 KiB"),
        (BANDWIDTH, 409.5e9, "409.5 GB/s"),
        (BANDWIDTH, 1.638e12, "1.638 TB/s"),
        (SECONDS, 1e-6, "1 µs"),
        (SECONDS, 0.0, "0 ns"),
        (COUNT, 4, "4"),
    ],
)
def test_values_are_shown_in_the_unit_that_suits_them(quantity: Quantity, value: float, text: str) -> None:
    assert quantity.show(value) == text
