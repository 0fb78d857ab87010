"""Small drawings of the form: the token meter, what closed folds say, the footer's buttons, starters, notes."""

from __future__ import annotations

from studio.messages import Bilingual, ModelSpec, TokenCount, Trouble
from studio.ui.book import magic
from studio.ui.folds import default_negative, takes_negative
from studio.ui.form import Form
from studio.ui.parts import act, attributes, hidden_words, icon, local
from studio.ui.shapes import read_size, shown, times
from studio.ui.start import result_size
from studio.ui.words import about, html, notice_words, t, trouble_words


def meter(count: TokenCount | None) -> str:
    """The token meter under the prompt, a tick at the end of each window, and the button that clears."""
    clear = magic() + act("clear", icon("trash-2") + hidden_words(t("form.clear")), "ib bare sm")
    if count is None:  # nobody knows how this model counts
        return f'<div class="ft"><span class="sp"></span>{clear}</div>'
    scale = count.room / 0.79  # the last tick needs space for its number
    windows = count.windows or (count.used,)
    bar = "".join(_window(index, used, count.window, scale) for index, used in enumerate(windows))
    said = f'<span class="sr">{t("form.tokens", used=count.used, window=count.room)}</span>'
    numbers = f'<b>{count.used}</b> <span class="i2">/ {count.room}</span>'
    return (
        f'<div class="ft"><div class="meter" aria-hidden="true">{bar}</div>'
        f'<span class="num t13" aria-hidden="true">{numbers}</span>{said}{clear}</div>'
    )


def _window(index: int, used: int, window: int, scale: float) -> str:
    """One window of the meter: how full it is, and the tick at its end."""
    begin, end = index * window, (index + 1) * window
    fill = f'<u style="left:{100 * begin / scale:.1f}%;width:{100 * used / scale:.1f}%"></u>'
    return f'{fill}<s style="left:{100 * end / scale:.1f}%" data-n="{end}"></s>'


def size_label(form: Form, spec: ModelSpec) -> str:
    """The word Size and the size that comes out in numbers."""
    size = result_size(form, spec)
    numbers = shown(size) if size else ""
    return (
        f'<div class="lab"{attributes(start=form.start)}><span id="size_name">{t("form.size")}</span> '
        f'<span class="i3 num">{numbers}</span></div>'
    )


def remarks(troubles: tuple[Trouble, ...]) -> str:
    """What the chosen model cannot do with this prompt, said before anything is painted."""
    return "".join(
        f'<p class="told">{icon("info", 14)}<span>{html(notice_words(one))}</span></p>' for one in troubles
    )


def summary(inner: str) -> str:
    """What a closed fold says at its right end."""
    return f'<span class="sum num">{inner}</span>'


def footer(seconds: float | None) -> str:
    """All buttons of the footer; the stylesheet shows those that make sense now."""
    estimate = html(about(seconds)) if seconds is not None else ""
    go = local("generate", f"{t('form.generate')}<small>{estimate}</small><kbd>Ctrl ↵</kbd>", "go idle")
    stop_words = f'<span class="say-stop">{t("form.stop")}</span><span class="say-stopping">{t("form.stopping")}</span>'
    stop = local("stop", f"{icon('square')}{stop_words}<kbd>Esc</kbd>", "go stop busy")
    starting = local("none", t("form.starting"), "go stop starting", disabled=True)
    skip = act("skip", icon("skip-forward", 16) + f"<span>{t('form.skip')}</span>", "btn tall busy several")
    more = local("generate", icon("plus", 16) + f"<span>{t('form.another')}</span>", "btn tall busy")
    return f'<div class="foot">{go}{starting}{stop}{skip}{more}</div>'


def starters(spec: ModelSpec) -> str:
    """Examples of the model as cards; four at a time."""
    if not spec.examples:
        return ""
    cards = "".join(_starter(index, spec) for index in range(len(spec.examples)))
    turn = local("more", icon("shuffle", 16) + t("form.more"), "btn link") if len(spec.examples) > 4 else ""
    head = f'<div class="row"><b class="lab0">{t("form.starters")}</b><span class="sp"></span>{turn}</div>'
    return f'<div class="starters">{head}<div class="cards">{cards}</div></div>'


def _starter(index: int, spec: ModelSpec) -> str:
    example = spec.examples[index]
    first_words = html(example.prompt)
    inner = f"<b>{html(example.title)}</b><small>{first_words}</small>"
    return act("start", inner, "starter" + (" away" if index >= 4 else ""), index=index)


def seed_tools() -> str:
    dice = act("dice", icon("dices") + hidden_words(t("form.seed_new")), "ib")
    reuse = act("reuse", icon("history") + hidden_words(t("form.seed_reuse")), "ib")
    return f'<div class="row">{dice}{reuse}</div>'


def use_default(negative: str, spec: ModelSpec) -> str:
    """The button that fills in the sensible default; or that this model takes no negative prompt."""
    if not takes_negative(spec):
        said = t("form.negative_unread", model=spec.title)
        return f'<p class="told">{icon("info", 14)}<span>{said}</span></p>'
    if negative.strip() == default_negative(spec).strip():
        return ""
    return act("use", icon("rotate-ccw", 14) + t("form.use_default"), "btn link")


_notes = iter(range(10**12))
"""Numbers that make the same words news when they are said twice."""


def field_trouble(trouble: Trouble) -> str:
    """An error of the form, beside the button that was pressed."""
    said = f"{icon('triangle-alert', 16)}<span>{html(trouble_words(trouble))}</span>"
    return f'<p class="err" role="alert" data-n="{next(_notes)}">{said}</p>'


def note_html(trouble: Trouble) -> str:
    """A short note that appears and goes."""
    return f'<span data-n="{next(_notes)}">{html(trouble_words(trouble))}</span>'


def said_note(pair: Bilingual) -> str:
    """A short note that all went well."""
    return f'<span data-n="{next(_notes)}">{html(pair)}</span>'


def hires_says(form: Form) -> str:
    """What the hi-res pass does, with the size that comes out."""
    if form.hires and form.start in ("inpaint", "outpaint"):
        return remarks((Trouble(code="high_resolution_with_mask"),))
    size = read_size(form.size)
    big = shown(times(size, form.hires_factor)) if size else ""
    return f'<p class="t12 i2 num">{t("form.hires_hint", size=big)}</p>'
