"""What a plugin author reads when a feature breaks the contract."""

from __future__ import annotations

from dataclasses import dataclass

import fakes
import numpy as np
import pytest
from numpy.typing import NDArray

from fvx import contract
from fvx.audio import Audio
from fvx.feature import Feature
from fvx.registry import discover
from fvx.testing import FeatureContract


@dataclass(frozen=True)
class Nothing(fakes.Level):
    """NaN in silence, no source, no word of clips that are too short."""

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        values = super().extract(audio)
        with np.errstate(invalid="ignore"):
            return values / values


def test_a_feature_that_keeps_the_contract_breaks_no_clause() -> None:
    assert contract.breaches(fakes.Level()) == []
    assert contract.breaches(fakes.Ends()) == []


def test_every_broken_clause_is_found_with_what_was_found() -> None:
    found = {breach.clause: breach for breach in contract.breaches(Nothing())}
    assert list(found) == [
        "docstring_cites_its_source", "silence_is_finite", "half_silent_speech_is_finite",
    ]  # fmt: skip
    assert found["silence_is_finite"].found == "level: returned NaN or infinity"
    assert "companion column" in found["silence_is_finite"].remedy


def test_an_exception_of_the_plugin_is_described_and_the_rest_is_tried() -> None:
    found = contract.breaches(fakes.Fixed(result=None))
    assert "same_clip_same_values" in {breach.clause for breach in found}
    raised = contract.breaches(Raising())
    assert {breach.found for breach in raised} >= {"ZeroDivisionError: by two lines"}


@dataclass(frozen=True)
class Raising(fakes.Level):
    """Raises.

    References
    ----------
    None.
    """

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        raise ZeroDivisionError("by\ntwo lines")


@pytest.mark.parametrize("clause", contract.CLAUSES, ids=lambda clause: clause.__name__)
def test_every_clause_says_what_it_demands_and_how_to_mend_it(clause: contract.Clause) -> None:
    demand, _, remedy = (clause.__doc__ or "").partition("\n\n")
    assert demand.endswith(".")
    assert "\n" not in demand
    assert remedy.rstrip().endswith(".")


def test_the_tests_that_plugins_inherit_are_the_clauses() -> None:
    inherited = {name for name in vars(FeatureContract) if name.startswith("test_")}
    assert inherited == {f"test_{clause.__name__}" for clause in contract.CLAUSES}


def test_the_features_of_one_installed_plugin_keep_the_contract() -> None:
    prosody: list[Feature] = [
        one for name, one in discover().features.items()
        if discover().distributions[name] == "fvx-timbre"
    ]  # fmt: skip
    assert prosody
    assert [contract.breaches(one) for one in prosody] == [[]] * len(prosody)
