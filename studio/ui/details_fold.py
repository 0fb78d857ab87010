"""The fold "Details": its controls, laid out. What they do is wired by the Create page."""

from __future__ import annotations

import gradio as gr

from studio.messages import ModelSpec, ModelState
from studio.ui.fields import Offers, factor_choices, has_clip_skip, label, samplers
from studio.ui.folds import details_summary
from studio.ui.form import HIRES_FACTORS, LARGEST_SEED, RANGES, Form
from studio.ui.panel import hires_says, seed_tools, summary
from studio.ui.parts import live
from studio.ui.start_fold import Fields, answers, chooser, segments, slider, switch
from studio.ui.words import html


class DetailsFold:
    """The fold's components: `fields` by their names in the form, and the live parts between them."""

    def __init__(self) -> None:
        self.fields: Fields = {}

    def build(self, form: Form, state: ModelState, offers: Offers) -> None:
        """Lays the fold out where it is called."""
        with gr.Column(elem_classes="fold"):
            self.sum = live(summary(html(details_summary(form, state))), elem_id="details_sum")
            with gr.Accordion(label("form.details"), open=False, elem_id="details_fold") as self.fold:
                with gr.Row(elem_classes="pair"):
                    self._how(form, state, offers)
                with gr.Row(elem_classes="pair"):
                    self._seed(form)
                    self._clip_skip(form, state)
                self._high_resolution(form, state.spec, offers)
                self.fields["tiling"] = segments(
                    form, "tiling", "form.tiling", answers("tiling", "form.tiling")
                )
                with gr.Row(elem_classes="pair"):
                    self._variation(form)

    def _how(self, form: Form, state: ModelState, offers: Offers) -> None:
        limits = state.spec.limits
        self.fields["sampler"] = chooser(form, "sampler", "form.sampler", samplers(state))
        self.fields["vae"] = chooser(form, "vae", "form.vae", offers.vae_choices())
        self.fields["steps"] = slider(form, "steps", "form.steps", 1, limits.steps, 1)
        self.fields["guidance"] = slider(form, "guidance", "form.guidance", 0, limits.guidance, 0.5)

    def _seed(self, form: Form) -> None:
        with gr.Row(elem_id="seeds"):
            self.fields["seed"] = gr.Number(
                form.seed, label=label("form.seed"), placeholder=label("form.seed_random"), precision=0, minimum=0,
                maximum=LARGEST_SEED, interactive=True, elem_id="seed", elem_classes="number", min_width=60,
            )  # fmt: skip
            self.seed_tools = live(seed_tools(), "dice", "reuse", elem_id="seed_tools")
            self.fields["lock"] = gr.Checkbox(
                form.lock, label=label("form.seed_lock"), interactive=True, elem_id="lock", container=False,
                min_width=36,
            )  # fmt: skip

    def _clip_skip(self, form: Form, state: ModelState) -> None:
        skip = slider(form, "clip_skip", "form.clip_skip", 1, state.layers, 1)
        skip.visible = has_clip_skip(state.spec)
        self.fields["clip_skip"] = skip

    def _high_resolution(self, form: Form, spec: ModelSpec, offers: Offers) -> None:
        with gr.Row(elem_id="hires_row"):
            with gr.Column(elem_id="hires_left", min_width=100):
                self.fields["hires"] = switch(form, "hires", "form.hires")
                self.hires = live(hires_says(form), elem_id="hires_says")
            factors = factor_choices(HIRES_FACTORS, form.hires_factor)
            self.fields["hires_factor"] = segments(
                form, "hires_factor", "form.hires_factor", factors, bare=True
            )
        with gr.Accordion(label("form.hires_more"), open=False, elem_id="hires_more"):
            with gr.Row(elem_classes="pair"):
                strength, steps = "form.hires_strength", "form.hires_steps"
                self.fields["hires_strength"] = slider(form, "hires_strength", strength, 0.05, 1, 0.05)
                self.fields["hires_steps"] = slider(form, "hires_steps", steps, 0, spec.limits.steps, 1)
            upscalers = offers.upscaler_choices(latent=True)
            self.fields["hires_upscaler"] = chooser(form, "hires_upscaler", "form.hires_upscaler", upscalers)

    def _variation(self, form: Form) -> None:
        weight = RANGES["variation_weight"]
        self.fields["variation_weight"] = slider(
            form, "variation_weight", "form.variation_weight", *weight, 0.05
        )
        self.fields["variation_seed"] = gr.Number(
            form.variation_seed, label=label("form.variation_seed"), placeholder=label("form.seed_random"),
            precision=0, minimum=0, maximum=LARGEST_SEED, interactive=True, elem_id="variation_seed",
            elem_classes="number", min_width=60,
        )  # fmt: skip

    @property
    def said(self) -> list[gr.HTML]:
        """The live parts that follow every change of the form."""
        return [self.sum, self.hires]


def said(form: Form, state: ModelState) -> list[str]:
    """What those parts say."""
    return [summary(html(details_summary(form, state))), hires_says(form)]
