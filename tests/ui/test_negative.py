"""The negative prompt's sensible default: the model's own, else the usual one; nothing for models that read none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from studio.families import FAMILIES
from studio.messages import ModelSpec
from studio.ui.folds import USUAL_NEGATIVE, default_negative, negative_summary
from studio.ui.form import no_model
from studio.ui.panel import use_default


def spec(family: str = "sd1", negative: str = "") -> ModelSpec:
    bare = no_model().spec
    defaults = bare.defaults.model_copy(update={"negative": negative})
    return bare.model_copy(update={"family": family, "defaults": defaults})


def test_a_models_own_default_comes_before_the_usual_one() -> None:
    assert default_negative(spec(negative="text")) == "text"
    assert default_negative(spec()) == USUAL_NEGATIVE
    assert negative_summary(USUAL_NEGATIVE, spec()).en == "Sensible default · 7 terms"
    assert use_default(USUAL_NEGATIVE, spec()) == "" and 'data-do="use"' in use_default("", spec())


def test_a_family_that_reads_none_says_so_in_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf: Any = replace(FAMILIES["sd1"], id="deaf", negative=False)
    monkeypatch.setitem(FAMILIES, "deaf", deaf)
    assert default_negative(spec("deaf", "text")) == ""
    told = use_default("blurry", spec("deaf"))
    assert "takes no negative prompt" in told and "不读负面咒语" in told and "data-do" not in told
    assert negative_summary("blurry", spec("deaf")).en == "not read by this model"
