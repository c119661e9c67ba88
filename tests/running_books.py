"""A school's running books, as a file another system wrote: made here, amounts and hours as decimal strings."""

import json
from copy import deepcopy
from typing import Any

NUMBER, CODE, ACCOUNT = 1077, "JG1077", "6232001000000007788"
OPENED_ON = "2026-03-01"
PAYER = {"name": "诸葛青", "account": "6217000011112222333", "bank_no": "105100000017"}

_COURSE = {
    "code": "HH-1", "name": "国画基础班", "subject": "国画", "stage": "compulsory", "category": "non_academic",
    "mode": "offline", "class_size": 8, "minutes": 45, "lesson_price": "100.00",
}  # fmt: skip


def contract(n: int, **changed: Any) -> dict[str, Any]:
    """40 hours for 4,000 yuan, paid in two parts; 10 hours taught; of the 1,000 earned half was paid out."""
    return {
        "number": f"TK{n:06d}", "payment_reference": f"TP{n:08d}", "course": "HH-1",
        "student": {"name": f"诸葛{n}", "identity_no": f"11010820160202{n:04d}"},
        "guardian": {"name": f"诸葛家长{n}", "phone": f"1360000{n:04d}"},
        "price": "4000.00", "hours_bought": "40", "first_lesson_on": "2026-01-12", "signed_on": "2026-01-05",
        "payments": [
            {"paid_on": "2026-02-05", "amount": "1500.00", "payer": PAYER},
            {"paid_on": "2026-01-05", "amount": "2500.00"},
        ],
        "hours_taught": "10", "in_custody": "3500.00",
        **changed,
    }  # fmt: skip


def running_books(**changed: Any) -> dict[str, Any]:
    """Three contracts: as above; one of whose 2,000 the school still holds 800; one taught to its end and paid out."""
    held = {
        "price": "3000.00", "hours_bought": "30", "hours_taught": "0", "in_custody": "1200.00",
        "payments": [{"paid_on": "2026-02-20", "amount": "2000.00", "payer": PAYER}],
    }  # fmt: skip
    over = {
        "price": "2000.00", "hours_bought": "16", "hours_gifted": "4", "hours_taught": "20", "in_custody": "0",
        "payments": [{"paid_on": "2026-01-05", "amount": "2000.00"}],
    }  # fmt: skip
    return {
        "institution": {
            "number": NUMBER, "code": CODE, "name": "墨韵书画学校", "place": "110108", "category": "non_academic",
            "mode": "custody", "office_name": "区教委", "office_phone": "010-0000-1208",
            "payee": {"name": "墨韵书画学校", "account": "6222009999000000777", "bank_no": "102100099996"},
        },
        "account": {
            "fund": 1, "kind": "custody", "number": ACCOUNT, "bank_name": "京华银行", "bank_no": "102100099996",
            "balance": "5100.00", "opened_on": OPENED_ON,
        },
        "earned": "300.00",
        "courses": [dict(_COURSE)],
        "contracts": [contract(1), contract(2, **held), contract(3, **over)],
        **changed,
    }  # fmt: skip


def changed_at(books: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one value changed (None: the key taken out); ``path`` like ``contracts.0.price``."""
    copy = deepcopy(books)
    *way, last = path.split(".")
    here: Any = copy
    for step in way:
        here = here[int(step) if step.isdecimal() else step]
    if value is None:
        del here[last]
    else:
        here[int(last) if last.isdecimal() else last] = value
    return copy


def as_bytes(books: dict[str, Any]) -> bytes:
    return json.dumps(books, ensure_ascii=False).encode()
