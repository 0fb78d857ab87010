"""The fold "Start from a picture": its controls, laid out. What they do is wired by the Create page."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.messages import ModelSpec, ModelState
from studio.ui.fields import Offers, factor_choices, label, with_chosen
from studio.ui.folds import start_summary
from studio.ui.form import CHOICES, FACTORS, RANGES, SIDES, Form
from studio.ui.panel import summary
from studio.ui.parts import live
from studio.ui.start import frame_tools, mask_tools, start_card, start_says, start_tools
from studio.ui.words import html, t

Fields = dict[str, gr.components.Component]


def slider(
    form: Form, name: str, key: str, least: float, most: float, step: float, elem_id: str = ""
) -> gr.Slider:
    """A slider in the page's own manner."""
    return gr.Slider(
        least, most, getattr(form, name), step=step, label=label(key), interactive=True,
        elem_id=elem_id or name, elem_classes="sl", min_width=100, buttons=[],
    )  # fmt: skip


def segments(form: Form, name: str, key: str, choices: list[tuple[Any, Any]], bare: bool = False) -> gr.Radio:
    """A row of answers of which one holds; a bare one shows no label."""
    return gr.Radio(
        choices, value=getattr(form, name), label=label(key), show_label=not bare, container=not bare,
        interactive=True, elem_id=name, elem_classes="segm", min_width=100,
    )  # fmt: skip


def chooser(form: Form, name: str, key: str, choices: list[tuple[Any, str]]) -> gr.Dropdown:
    """A list of which one is chosen."""
    return gr.Dropdown(
        label=label(key), interactive=True, elem_id=name, elem_classes="pick", min_width=100, filterable=False,
        **with_chosen(choices, getattr(form, name)),
    )  # fmt: skip


def switch(form: Form, name: str, key: str) -> gr.Checkbox:
    """A checkbox that looks like a switch."""
    return gr.Checkbox(
        getattr(form, name), label=label(key), interactive=True, elem_id=name, elem_classes="switch",
        container=False, min_width=100,
    )  # fmt: skip


def answers(name: str, prefix: str) -> list[tuple[Any, str]]:
    """The fixed answers of a control, worded."""
    return [
        (label(f"{prefix}_{value}" if prefix != "form" else f"form.{value}"), value)
        for value in CHOICES[name]
    ]


class StartFold:
    """The fold's components: `fields` by their names in the form, and the live parts between them."""

    def __init__(self) -> None:
        self.fields: Fields = {}

    def build(self, form: Form, state: ModelState, offers: Offers) -> None:
        """Lays the fold out where it is called."""
        with gr.Column(elem_classes="fold"):
            # A closed fold has nothing of its inside on the page, and pictures are dropped all the same.
            self.sum = live(
                summary(html(start_summary(form))), "brought", "masked", "framed", elem_id="start_sum"
            )
            with gr.Accordion(label("form.start"), open=False, elem_id="start_fold") as self.fold:
                self.fields["way"] = segments(form, "way", "form.way", answers("way", "form"), bare=True)
                with gr.Row(elem_id="start_row"):
                    self.card = live(start_card(form, state.spec), elem_id="start")
                    with gr.Column(elem_id="start_main", min_width=100):
                        self._main(form, offers)
                        self.tools = live(start_tools(form), "remove", elem_id="start_tools")
                self.notes = live("", elem_id="start_notes")
                self.says = live(start_says(form, state), elem_id="start_says")
                self._inpaint(form)
                self._outpaint(form, state.spec)
        self._hidden(form)

    def _main(self, form: Form, offers: Offers) -> None:
        with gr.Column(elem_classes="on-redraw on-inpaint on-outpaint", min_width=100):
            self.fields["strength"] = slider(form, "strength", "form.strength", *RANGES["strength"], 0.05)
            self.hint = gr.HTML(_hint(), apply_default_css=False)
        with gr.Column(elem_classes="on-redraw if-differs", min_width=100):
            self.fields["fit"] = segments(form, "fit", "form.fit", answers("fit", "form.fit"))
        with gr.Column(elem_classes="on-upscale", min_width=100):
            self.fields["factor"] = segments(
                form, "factor", "form.factor", factor_choices(FACTORS, form.factor)
            )
            self.fields["upscaler"] = chooser(
                form, "upscaler", "form.upscaler", offers.upscaler_choices(latent=False)
            )

    def _inpaint(self, form: Form) -> None:
        with gr.Column(elem_id="inpaint", elem_classes="on-inpaint", min_width=100):
            self.mask_tools = live(mask_tools(form), elem_id="mask_tools")
            self.fields["area"] = segments(form, "area", "form.area", answers("area", "form.area"))
            with gr.Row(elem_classes="pair"):
                self.fields["feather"] = slider(form, "feather", "form.feather", *RANGES["feather"], 1)
                self.fields["margin"] = slider(form, "margin", "form.margin", *RANGES["margin"], 8)
            self.fields["fill"] = chooser(form, "fill", "form.fill", answers("fill", "form.fill"))
            self.fields["invert"] = switch(form, "invert", "form.invert")

    def _outpaint(self, form: Form, spec: ModelSpec) -> None:
        with gr.Column(elem_id="outpaint", elem_classes="on-outpaint", min_width=100):
            self.frame_tools = live(frame_tools(form), "grow", elem_id="frame_tools")
            with gr.Row(elem_classes="pair"):
                for side in SIDES:
                    self.fields[side] = slider(
                        form,
                        side,
                        f"form.{side}",
                        0,
                        spec.limits.largest,
                        spec.limits.multiple,
                        f"grow_{side}",
                    )
            self.fields["edge"] = slider(form, "edge", "form.edge", *RANGES["edge"], 1)

    def _hidden(self, form: Form) -> None:
        for name in ("picture", "picture_size", "mask"):
            self.fields[name] = gr.Textbox(
                getattr(form, name), visible="hidden", elem_id=name, label=name, interactive=True,
                elem_classes="unseen",
            )  # fmt: skip

    @property
    def said(self) -> list[gr.HTML]:
        """The live parts that follow every change of the form."""
        return [self.sum, self.card, self.tools, self.says, self.mask_tools, self.frame_tools]


def _hint() -> str:
    return f'<p class="t12 i2 hint">{t("form.strength_hint")}</p>'


def said(form: Form, state: ModelState) -> list[str]:
    """What those parts say."""
    return [
        summary(html(start_summary(form))), start_card(form, state.spec), start_tools(form),
        start_says(form, state), mask_tools(form),
        frame_tools(form),
    ]  # fmt: skip
