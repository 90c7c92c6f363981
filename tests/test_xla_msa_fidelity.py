"""The fidelity benchmark's rows and page, without its data."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from .benchmark_modules import load

fidelity: ModuleType = load("xla_fidelity")


def row(**changes: Any) -> Any:
    given = fidelity.Row(
        name="file",
        ours=110.0,
        xla=100.0,
        charged_ours=90.0,
        charged_xla=120.0,
        agreement=0.9,
        stall_ours=7.0,
        stall_xla=3.0,
        replaced=0,
        same_crossing=True,
    )
    return replace(given, **changes)


@pytest.mark.parametrize(("ours", "far"), [(110.0, False), (114.9, False), (115.1, True), (87.1, False), (86.9, True)])
def test_far_is_symmetric(ours: float, far: bool) -> None:
    # 100 / 1.15 is 86.96.
    assert row(ours=ours).is_far is far


def test_reasons_name_the_weightiest_difference() -> None:
    assert "14 copy instructions" in row(replaced=14, same_crossing=False).reason
    assert "another buffer crosses" in row(same_crossing=False).reason
    assert "other copy times (waiting for copies 7 us here, 3 us" in row(agreement=0.995).reason
    assert row().reason.startswith("90% of the bytes")


def test_page_lists_every_file_and_the_far_ones_with_reasons() -> None:
    rows = [row(name="near"), row(name="away", ours=200.0)]
    text = fidelity.page(rows)
    # The geometric mean of 1.1 and 2.0.
    assert "| 1.483 |" in text
    head, _, tail = text.partition("## Every file")
    assert "| away | 2.000 | 90% of the bytes" in head
    assert "| near |" not in head
    assert "| near | 110.0 | 100.0 | 1.100 | 90.0% | 7.0 | 3.0 | yes |" in tail
