"""`custody refund quote`: the worksheet's shape, in both languages."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import main
from ledger.money import fen_from_text

Answer = tuple[int, str, str]
CASE: dict[str, Any] = {
    "id": "T02",
    "contract": {
        "paid": "8000.00",
        "hours_bought": "40",
        "list_price_per_hour": "400.00",
        "list_price_proven": True,
        "clauses": ["handling_fee_10_percent"],
    },
    "used": {"hours": "15"},
    "cause": "neither",
}


@pytest.fixture
def quote(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Answer]:
    def run(case: object, *flags: str) -> Answer:
        path = tmp_path / "case.json"
        path.write_text(json.dumps(case), encoding="utf-8")
        monkeypatch.setattr("sys.argv", ["custody", "refund", "quote", "--case", str(path), *flags])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run


def test_the_worksheet_is_one_json_object_whose_lines_add_up(quote: Callable[..., Answer]) -> None:
    code, out, err = quote(CASE, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found.keys() >= {"refund", "lines", "alternatives", "rulebook", "digest"}
    assert found["refund"] == "5000.00"
    total = sum(fen_from_text(line["amount"], signed=True) for line in found["lines"])
    assert total == fen_from_text(found["refund"])
    for line in found["lines"]:
        assert line.keys() >= {"code", "label", "formula", "amount", "rule", "source"}
    assert [line["code"] for line in found["lines"]] == ["paid", "hours_at_paid_price", "void_handling_fee_10_percent"]
    assert found["alternatives"] == [
        {"cause": "institution", "refund": "5000.00"},
        {"cause": "consumer", "refund": "2000.00"},
    ]
    assert [note["code"] for note in found["notes"]] == ["RENEGOTIATE_FIRST"]
    assert found["rulebook"] == "000000-2025-05-01"
    assert len(found["digest"]) == 64


def test_hours_in_dispute_stand_beside_the_sum(quote: Callable[..., Answer]) -> None:
    found = json.loads(quote(CASE | {"disputed_hours": ["1", "1.5"]}, "--json")[1])
    assert found["refund"] == "5000.00"  # 15 x 200 taken off, the disputed hours too
    assert [(one["hours"], one["adds"]) for one in found["disputed"]] == [("1", "200.00"), ("1.5", "300.00")]
    code, _, err = quote(CASE | {"disputed_hours": ["16"]}, "--json")
    assert (code, "DISPUTED_EXCEEDS_USED" in err) == (2, True)


def test_labels_follow_the_language(quote: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    english = json.loads(quote(CASE, "--json")[1])
    monkeypatch.setenv("CUSTODY_LANGUAGE", "zh")
    chinese = json.loads(quote(CASE, "--json")[1])
    assert english["lines"][0]["label"] == english["lines"][0]["label_en"] == "You paid"
    assert chinese["lines"][0]["label"] == chinese["lines"][0]["label_zh"] == "您已支付"
    assert english["digest"] == chinese["digest"]
    assert "可退" in quote(CASE)[1]


def test_the_answer_for_people_is_one_column_of_amounts(quote: Callable[..., Answer]) -> None:
    code, out, _ = quote(CASE)
    assert code == 0
    assert "       8000.00  You paid\n" in out
    assert "       5000.00  You get back\n" in out
    assert "       2000.00  (consumer)\n" in out
    assert "- Neither side's cause" in out


def test_a_place_brings_its_rulebook(quote: Callable[..., Answer]) -> None:
    assert json.loads(quote(CASE | {"place": "110000"}, "--json")[1])["rulebook"] == "110000-2022-06-01"
    assert json.loads(quote(CASE | {"place": "120000"}, "--json")[1])["refund"] == "5000.00"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ({"about": "x", "cases": [CASE]}, "CASE_LIST"),
        (CASE | {"contract": CASE["contract"] | {"clauses": ["free_lunch"]}}, "contract.clauses[0]"),
        (CASE | {"contract": CASE["contract"] | {"fee": "1.00"}}, "contract.fee"),
        (CASE | {"used": {"hours": "40.01"}}, "USED_EXCEEDS_CONTRACT"),
        (CASE | {"used": {"months": 1}}, "USED_DOES_NOT_FIT"),
        (CASE | {"place": "12"}, "BAD_PLACE"),
    ],
)
def test_cases_that_cannot_be_used_are_exit_2(quote: Callable[..., Answer], case: object, said: str) -> None:
    code, out, err = quote(case, "--json")
    assert (code, out) == (2, "")
    assert said in err
