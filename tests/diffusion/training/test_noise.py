"""What a denoiser is asked, and how much its answers count."""

from __future__ import annotations

import pytest
import torch

from studio.diffusion.training.noise import Noise
from studio.errors import StudioError
from tests.tiny import noise_schedule

TIMES = torch.tensor([0, 250, 600, 999])


def noise(**schedule: object) -> Noise:
    return Noise(noise_schedule(**schedule), "Tiny", "cpu")


def latents() -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(0)
    return torch.randn(4, 4, 8, 8, generator=dice), torch.randn(4, 4, 8, 8, generator=dice)


@pytest.mark.parametrize("zero", [False, True])
def test_noise_and_velocity_are_those_of_the_library(zero: bool) -> None:
    schedule = noise_schedule(prediction_type="v_prediction", rescale_betas_zero_snr=zero)
    clean, drawn = latents()
    found = Noise(schedule, "Tiny", "cpu")
    torch.testing.assert_close(found.noised(clean, drawn, TIMES), schedule.add_noise(clean, drawn, TIMES))
    torch.testing.assert_close(found.target(clean, drawn, TIMES), schedule.get_velocity(clean, drawn, TIMES))


def test_what_is_asked_is_what_the_checkpoint_predicts() -> None:
    clean, drawn = latents()
    assert torch.equal(noise(prediction_type="epsilon").target(clean, drawn, TIMES), drawn)
    assert torch.equal(noise(prediction_type="sample").target(clean, drawn, TIMES), clean)


def test_an_error_in_the_picture_counts_the_same_whatever_is_predicted() -> None:
    """The same small error in the picture, said in noise and in velocity, makes the same loss."""
    clean, drawn = latents()
    wrong = clean + 0.01 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    losses = {}
    for kind in ("epsilon", "v_prediction", "sample"):
        one = noise(prediction_type=kind)
        given = one.noised(clean, drawn, TIMES)
        signal, share = one._shares(TIMES)
        meant = (given - signal * wrong) / share  # the noise that such a picture implies
        said = one.target(wrong, meant, TIMES)
        errors = ((said - one.target(clean, drawn, TIMES)) ** 2).mean(dim=(1, 2, 3))
        losses[kind] = errors * one.weights(TIMES, 5.0)
    torch.testing.assert_close(losses["epsilon"], losses["sample"], rtol=1e-2, atol=1e-9)
    torch.testing.assert_close(losses["v_prediction"], losses["sample"], rtol=1e-2, atol=1e-9)


def test_times_with_little_noise_count_less_and_those_with_much_as_they_are() -> None:
    weights = noise().weights(TIMES, 5.0)
    assert weights[0] < 0.01 and weights[3] == 1
    assert torch.equal(noise().weights(TIMES, 0.0), torch.ones(4))


def test_pure_noise_says_nothing_of_the_picture_and_counts_nothing() -> None:
    weights = noise(prediction_type="v_prediction", rescale_betas_zero_snr=True).weights(TIMES, 5.0)
    assert torch.isfinite(weights).all() and weights[3] == 0


def test_moments_reach_from_the_first_time_to_the_last() -> None:
    assert [noise().time(moment) for moment in (0.0, 0.5, 0.9999, 1.0)] == [0, 500, 999, 999]


def test_what_is_predicted_otherwise_is_refused() -> None:
    schedule = noise_schedule()
    schedule.register_to_config(prediction_type="flow_prediction")
    with pytest.raises(StudioError, match="training_prediction"):
        Noise(schedule, "Tiny", "cpu")
