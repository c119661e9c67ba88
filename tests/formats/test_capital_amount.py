"""Amounts in capitals, against the examples of the rule and read back by a reader written the other way round."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.formats.capital_amount import capitals

FIGURES = {figure: n for n, figure in enumerate("零壹贰叁肆伍陆柒捌玖")}
PLACES = {"拾": 10, "佰": 100, "仟": 1_000}


@pytest.mark.parametrize(
    ("fen", "written"),
    [
        (1_409_50, "壹仟肆佰零玖元伍角整"), (6_007_14, "陆仟零柒元壹角肆分"), (1_680_32, "壹仟陆佰捌拾元叁角贰分"),
        (107_000_53, "壹拾万零柒仟元伍角叁分"), (16_409_02, "壹万陆仟肆佰零玖元零贰分"), (325_04, "叁佰贰拾伍元零肆分"),
        (2_240_00, "贰仟贰佰肆拾元整"), (0, "零元整"), (5, "伍分"), (50, "伍角整"), (55, "伍角伍分"), (1_00, "壹元整"),
        (10_00, "壹拾元整"), (10_000_00, "壹万元整"), (10_010_00, "壹万零壹拾元整"), (100_000_000_00, "壹亿元整"),
        (100_010_000_00, "壹亿零壹万元整"), (100_000_001_01, "壹亿零壹元零壹分"),
        (999_999_999_999_99, "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)  # fmt: skip
def test_amounts_are_written_as_the_rule_says(fen: int, written: str) -> None:
    # one example of the rule (107,000.53) may be written with or without a zero before the thousands; we write neither
    assert capitals(fen) in (f"人民币{written}", f"人民币{written.replace('万零柒', '万柒')}")


def read(written: str) -> int:
    """Yuan, jiao and fen of an amount in capitals, in fen."""
    yuan, section, figure, fen = 0, 0, 0, 0
    for mark in written.removeprefix("人民币"):
        if mark in FIGURES:
            figure = FIGURES[mark]
        elif mark in PLACES:
            section += figure * PLACES[mark]
            figure = 0
        elif mark in "万亿元":
            section += figure
            yuan = yuan + section * {"万": 10**4, "亿": 10**8, "元": 1}[mark]
            section = figure = 0
        elif mark in "角分":
            fen += figure * (10 if mark == "角" else 1)
            figure = 0
    return yuan * 100 + fen


@given(st.integers(0, 10**14 - 1))
def test_what_is_written_is_read_back(fen: int) -> None:
    written = capitals(fen)
    assert read(written) == fen
    assert "零零" not in written
    assert written.endswith("分") or written.endswith("整")


@pytest.mark.parametrize("fen", [-1, 10**14])
def test_no_other_amount_is_written(fen: int) -> None:
    with pytest.raises(ValueError, match="not negative"):
        capitals(fen)
