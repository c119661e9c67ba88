"""What the rulebook in force at signing says of a contract, kept with it: a later rule changes no contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.terms.lesson_law import Attendance
from ledger.terms.prepayment import PrepaymentLimits
from ledger.terms.release import ReleaseTerms


@dataclass(frozen=True, slots=True)
class ContractRules:
    """``charged_states``: the attendance states whose hours count as delivered; None where nothing was kept.

    ``same_subjects``: other names of a subject, as ``rules.prepayment_limit.same_subjects`` gives them.
    """

    release: ReleaseTerms = field(default_factory=ReleaseTerms)
    prepayment: PrepaymentLimits = field(default_factory=PrepaymentLimits)
    same_subjects: Mapping[str, str] = field(default_factory=dict)
    charged_states: frozenset[Attendance] | None = None
