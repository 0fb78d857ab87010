"""Samplers: the names people know, on the noise schedule that a checkpoint was trained with."""

from __future__ import annotations

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler

from studio.diffusion.samplers import OF_THE_SOLVER, SAMPLERS, scheduler
from studio.families import DENOISING_SAMPLERS, FAMILIES, FLOW_SAMPLERS
from tests.tiny import noise_schedule

NOISE = [sampler.id for sampler in DENOISING_SAMPLERS]
FLOW = [sampler.id for sampler in FLOW_SAMPLERS]
NONE = torch.zeros(0)


def test_every_sampler_a_family_names_is_in_the_table_and_none_else() -> None:
    assert {sampler.id for family in FAMILIES.values() for sampler in family.samplers} == set(SAMPLERS)


def test_no_family_takes_samplers_of_both_kinds() -> None:
    for family in FAMILIES.values():
        names = {sampler.id for sampler in family.samplers}
        assert names <= set(NOISE) or names <= set(FLOW)


@pytest.mark.parametrize("name", NOISE)
def test_a_sampler_keeps_what_the_checkpoint_predicts(name: str) -> None:
    made = scheduler(name, noise_schedule(prediction_type="v_prediction", timestep_spacing="trailing"))
    assert made.config.prediction_type == "v_prediction"
    assert made.config.timestep_spacing == "trailing"


@pytest.mark.parametrize("name", NOISE)
def test_a_schedule_that_ends_in_pure_noise_does_so_in_every_sampler(name: str) -> None:
    ends = scheduler(name, noise_schedule(rescale_betas_zero_snr=True)).alphas_cumprod
    usual = scheduler(name, noise_schedule()).alphas_cumprod
    assert 0 <= ends[-1] < 1e-5 < 1e-3 < usual[-1]
    assert ends[0] == pytest.approx(float(usual[0]), abs=1e-4)


@pytest.mark.parametrize("name", NOISE)
def test_how_the_checkpoints_own_scheduler_solves_changes_no_sampler(name: str) -> None:
    usual = scheduler(name, noise_schedule())
    for own in (
        {"use_karras_sigmas": True},
        {"use_karras_sigmas": False, "use_lu_lambdas": True},
        {"algorithm_type": "sde-dpmsolver++", "solver_order": 3, "euler_at_final": True},
    ):
        made = scheduler(name, DPMSolverMultistepScheduler.from_config(noise_schedule().config, **own))
        for one in (made, usual):
            one.set_timesteps(8)
        assert torch.equal(made.timesteps, usual.timesteps)
        assert {key: value for key, value in made.config.items() if key in OF_THE_SOLVER} == {
            key: value for key, value in usual.config.items() if key in OF_THE_SOLVER
        }
        assert torch.equal(getattr(made, "sigmas", NONE), getattr(usual, "sigmas", NONE))


@pytest.mark.parametrize("name", FLOW)
def test_every_flow_sampler_is_shifted_as_the_checkpoint_is(name: str) -> None:
    def first_moves(shift: float) -> list[float]:
        made = scheduler(name, FlowMatchEulerDiscreteScheduler(shift=shift))
        made.set_timesteps(4)
        return [float(sigma) for sigma in made.sigmas]

    assert first_moves(3.0) != first_moves(1.0)
    assert all(later <= sooner for sooner, later in zip(first_moves(3.0), first_moves(3.0)[1:], strict=False))


def test_a_schedulers_settings_are_not_changed_by_a_sampler_made_of_it() -> None:
    base = noise_schedule()
    before = dict(base.config)
    scheduler("dpmpp_2m_sde_karras", base)
    assert dict(base.config) == before
