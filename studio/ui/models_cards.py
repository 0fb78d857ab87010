"""The cards around the list of models: memory, what a choice would do, the house rules, files not used."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from studio.messages import Bilingual, DeviceState, Held, ModelState
from studio.ui.parts import act, icon, local
from studio.ui.shelf import (
    Shelf,
    budget_words,
    held_bytes,
    needs_words,
    on_processor,
    sizes_alone,
    stand_of,
)
from studio.ui.words import html, size_words, t, trouble_words

# -- memory ---------------------------------------------------------------------------------------


def memory(shelf: Shelf, state: ModelState | None) -> str:
    """One bar a device, and the button that empties them all."""
    devices = "".join(_device(shelf, device, state) for device in shelf.devices)
    held = any(device.held or device.host_held for device in shelf.devices)
    free = act("free", t("models.free_all"), disabled=not held) if shelf.admin else ""
    return f'<section class="card mmem">{devices}{f"<div class=mfree>{free}</div>" if free else ""}</section>'


def _device(shelf: Shelf, device: DeviceState, state: ModelState | None) -> str:
    key = "models.memory" if on_processor(device) else "models.gpu_memory"
    title = f'<span class="i3 t13">{escape(device.title)}</span>' if device.title else ""
    used = f'<span class="i2 t13 num">{_used(device)}</span>'
    head = f'<div class="mdhead"><h2 class="t16">{t(key)}</h2>{used}{title}</div>'
    if not device.ready or not device.budget:
        return f'<div class="mdev">{head}</div>'
    coming = _coming(shelf, device, state)
    return (
        f'<div class="mdev">{head}{_bar(shelf, device, coming)}{_legend(shelf, device, state, coming)}</div>'
    )


def _used(device: DeviceState) -> str:
    if not device.ready:
        return t("models.getting_ready")
    used, budget = size_words(held_bytes(device.held)) if device.held else "0 GB", budget_words(device.budget)
    if device.total <= device.budget:
        return t("models.used_all", used=used, budget=budget)
    return t("models.used_of", used=used, budget=budget, total=budget_words(device.total))


def _coming(shelf: Shelf, device: DeviceState, state: ModelState | None) -> int:
    """Bytes that the picked model would add here, where nothing has to go for it."""
    told = state.forecast if state and not state.trouble else None
    alone = sum(other.ready for other in shelf.devices) == 1
    return told.loads if told and told.fits and not told.resident and not told.evicts and alone else 0


def _bar(shelf: Shelf, device: DeviceState, coming: int) -> str:
    total = max(device.total, device.budget)
    parts = "".join(
        f'<u class="{_colour(shelf, device, held)}" style="width:{100 * size / total:.2f}%"></u>'
        for held, size in sizes_alone(device.held)
    )
    if coming:
        parts += f'<u class="hatch" style="width:{100 * coming / total:.2f}%"></u>'
    share = 100 * device.budget / total
    mark = f'<s style="left:{share:.2f}%"></s>' if device.budget < total else ""
    budget = f'<span style="left:{share:.2f}%">{t("models.budget", size=budget_words(device.budget))}</span>'
    end = f'<span class="end">{budget_words(total)}</span>'
    scale = f'<div class="mscale num">{(budget if mark and share < 92 else "") + end}</div>'
    return f'<div class="mbar" aria-hidden="true"><div>{parts}</div>{mark}</div>{scale}'


def _colour(shelf: Shelf, device: DeviceState, held: Held) -> str:
    """Cinnabar is what is in use; the others take turns."""
    if held.model == shelf.chosen or held.pinned:
        return "s1"
    others = [one.model for one in device.held if one.model != shelf.chosen and not one.pinned]
    return "s2" if others.index(held.model) % 2 == 0 else "s3"


def _legend(shelf: Shelf, device: DeviceState, state: ModelState | None, coming: int) -> str:
    items = [
        _entry(_colour(shelf, device, held), shelf.title(held.model), size_words(size))
        for held, size in sizes_alone(device.held)
    ]
    if coming and state:
        name = f"<span>{t('models.if_loaded', model=state.spec.title)}</span>"
        items.append(f'<li><i class="hatch"></i>{name}<span class="i3">+{size_words(coming)}</span></li>')
    if not items:
        return f'<p class="i3 t13 mlegend">{t("models.nothing_held")}</p>'
    return f'<ul class="mlegend num">{"".join(items)}</ul>'


def _entry(colour: str, title: Bilingual, size: str) -> str:
    return f'<li><i class="{colour}"></i><span>{html(title)}</span><span class="i3">{size}</span></li>'


# -- what a choice would do -----------------------------------------------------------------------


def outlook(shelf: Shelf, state: ModelState | None) -> str:
    """What would happen if the picked model were loaded, or why it cannot be."""
    if state is None:
        return ""
    stand = stand_of(state, shelf.orders.get(state.spec.id))
    key, tell = OUTLOOKS.get(stand, ("if_load", _weighed))
    title, body = t(f"models.{key}", model=state.spec.title), tell(shelf, state)
    head = f'<h2 class="mtitle">{icon("info")}<span>{title}</span></h2>'
    return f'<section class="card mcard outlook">{head}{body}{_buttons(shelf, state, stand)}</section>'


def _paragraphs(*inner: str) -> str:
    return "".join(f"<p>{one}</p>" for one in inner if one)


def _weighed(shelf: Shelf, state: ModelState) -> str:
    told = state.forecast
    if told is None:
        return _paragraphs(t("models.not_known"))
    ready = [device for device in shelf.devices if device.ready]
    size = budget_words(_after(ready[0], told.loads, told.evicts)) if len(ready) == 1 else ""
    if told.evicts:
        after = t("models.after_evicts", size=size) if size else ""
        return _paragraphs(t("models.would_evict", models=shelf.titles(told.evicts)), after)
    if size:
        key = "models.after_memory" if on_processor(ready[0]) else "models.after_gpu"
        return _paragraphs(t(key, size=size))
    return _paragraphs(t("models.adds", size=size_words(told.loads)))


def _after(device: DeviceState, loads: int, evicts: tuple[str, ...]) -> int:
    return held_bytes(held for held in device.held if held.model not in evicts) + loads


def _ready(shelf: Shelf, state: ModelState) -> str:
    return _paragraphs(t("models.ready_text"))


def _far(shelf: Shelf, state: ModelState) -> str:
    repo = getattr(state.spec.source, "repo", "")
    return _paragraphs(t("models.hub_text", repo=repo) if repo else t("models.more_hub"))


def _trouble(shelf: Shelf, state: ModelState) -> str:
    told = html(trouble_words(state.trouble)) if state.trouble else t("models.ask_admin")
    return f'<p class="merr">{icon("triangle-alert", 16)}<span>{told}</span></p>'


def _too_large(shelf: Shelf, state: ModelState) -> str:
    held = shelf.pinned
    helps = [t("models.help_wait", models=shelf.titles(sorted(held)))] if held else []
    helps.append(t("models.help_smaller"))
    if shelf.admin:
        helps += [_setting("models.help_mode", "STUDIO_MEMORY_MODE=offload")]
        helps += [_setting("models.help_budget", "STUDIO_MEMORY_BUDGET")]
    else:
        helps.append(t("models.ask_admin"))
    listed = "".join(f"<li>{one}</li>" for one in helps)
    return _paragraphs(html(needs_words(state, shelf.devices))) + f"<ul>{listed}</ul>"


OUTLOOKS: dict[str, tuple[str, Callable[[Shelf, ModelState], str]]] = {
    "missing": ("why", _trouble),
    "failed": ("why", _trouble),
    "wont_fit": ("why", _too_large),
    "resident": ("is_resident", _ready),
    "hub": ("is_hub", _far),
    "fetching": ("is_hub", _far),
}
"""By where a model stands: the title of its outlook, and what is told under it."""


def _setting(key: str, name: str) -> str:
    return f"{t(key)} <code>{escape(name)}</code>"


def _buttons(shelf: Shelf, state: ModelState, stand: str) -> str:
    model, buttons = state.spec.id, ""
    if shelf.admin and stand in ("disk", "host", "failed", "hub"):
        key = {"failed": "stage.try_again", "hub": "models.fetch_named"}.get(stand, "models.load_named")
        title = t(key, model=state.spec.title)
        buttons += act("bring", title, "btn pri wide", model=model)
    if stand not in ("missing", "wont_fit", "failed") and paintable(shelf, state):
        buttons += local("pick", icon("brush", 16) + t("models.paint_with"), "btn wide", model=model)
    return f'<div class="mbuttons">{buttons}</div>' if buttons else ""


def paintable(shelf: Shelf, state: ModelState) -> bool:
    """Whether the form could be given this model instead of its own."""
    return "text_to_image" in state.spec.capabilities and state.spec.id != shelf.chosen


# -- the rest of the side -------------------------------------------------------------------------


def host_memory(shelf: Shelf) -> str:
    """Where unloaded models wait."""
    budget = sum(device.host_budget for device in shelf.devices)
    if not budget:
        return ""
    used = sum(held_bytes(device.host_held) for device in shelf.devices)
    share = min(100.0, 100 * used / budget)
    numbers = f"{size_words(used).removesuffix(' GB') if used else '0'} / {budget_words(budget)}"
    return (
        f'<section class="card mcard"><div class="row"><h2 class="mtitle">{t("models.host")}</h2>'
        f'<span class="sp"></span><span class="i2 t13 num">{numbers}</span></div>'
        f'<div class="mthin" aria-hidden="true"><u style="width:{share:.1f}%"></u></div>'
        f"{_paragraphs(t('models.host_text'))}</section>"
    )


def house_rules(shelf: Shelf) -> str:
    """How the house is run; changed in the settings, not here."""
    idle = f"{shelf.idle_minutes:g}"
    rules = [
        (t("models.rule_idle", n=idle) if shelf.idle_minutes else t("models.rule_stay"), "STUDIO_IDLE_MINUTES"),
        (t("models.mode_" + shelf.memory_mode), "STUDIO_MEMORY_MODE"),
    ]  # fmt: skip
    rows = "".join(f"<li><span>{said}</span>{_named(shelf, name)}</li>" for said, name in rules)
    return (
        f'<section class="card mcard"><h2 class="mtitle">{t("models.rules")}</h2>'
        f'<ul class="mrules">{rows}</ul></section>'
    )


def _named(shelf: Shelf, name: str) -> str:
    """Which setting it is; of use to whoever may change it."""
    return f"<code>{name}</code>" if shelf.admin else ""


def refused(shelf: Shelf) -> str:
    """Files in the folders of models that are not used, each with its reason; for admins."""
    if not shelf.refused or not shelf.admin:
        return ""
    rows = "".join(
        f"<li><b>{escape(name)}</b><span>{html(trouble_words(trouble))}</span></li>"
        for name, trouble in shelf.refused
    )
    head = f'<h2 class="mtitle">{t("models.refused")}</h2>'
    return f'<section class="card mcard mrefused">{head}<ul>{rows}</ul></section>'
