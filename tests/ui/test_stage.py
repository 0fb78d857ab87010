"""What the stage shows, from events alone: no Gradio, no server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from studio.messages import (
    AnyEvent,
    Base,
    Bilingual,
    Cancelled,
    Done,
    Downloading,
    Draft,
    Failed,
    GenerationRequest,
    HighResolution,
    Job,
    Loading,
    Mask,
    Notice,
    Outpaint,
    Picture,
    Queued,
    Recipe,
    Saved,
    Size,
    Skipped,
    Start,
    Step,
    Trouble,
    Upscale,
    Variation,
)
from studio.ui.recipe import recipe_text
from studio.ui.sheets import Sheet, StageView, sheet_of
from studio.ui.stage import draw, draw_card

MODELS = {"pocket": Bilingual(en="Pocket", zh="口袋画师")}
SAMPLERS = {"euler": "Euler"}


def request(number: int, job: str = "j", **changes: Any) -> GenerationRequest:
    """One request of a job."""
    values = {
        "id": f"{job}-{number}", "job": job, "person": "p", "model": "pocket", "prompt": "an orange cat",
        "negative": "blurry", "width": 64, "height": 64, "steps": 4, "guidance": 7.0, "sampler": "euler",
        "seed": 100 + number,
    }  # fmt: skip
    return GenerationRequest(**(values | changes))


def job(count: int = 2, id: str = "j", **changes: Any) -> Job:
    """A job's record."""
    requests = tuple(request(number, id) for number in range(1, count + 1))
    draft = Draft(model="pocket", prompt="an orange cat", count=count)
    return Job(id=id, person="p", draft=draft, requests=requests, created=0.0, **changes)


def picture(of: GenerationRequest) -> Picture:
    """A kept picture of a request."""
    recipe = Recipe(request=of, model_title="Pocket", took=2.1)
    return Picture(
        id=f"pic-{of.id}", person="p", job=of.job, created=0.0, size=Size(width=64, height=64), recipe=recipe
    )


def view(*sheets: Sheet) -> StageView:
    """A stage with some jobs."""
    return StageView(sheets, MODELS, SAMPLERS)


def after(*events: AnyEvent, count: int = 2) -> StageView:
    """A stage with one job after some events."""
    shown = view(sheet_of(job(count)))
    for event in events:
        shown = shown.after(event.model_copy(update={"job": "j"}))
    return shown


def saved(number: int) -> Saved:
    """The event of a picture being kept."""
    return Saved(request=f"j-{number}", picture=picture(request(number)))


def test_empty() -> None:
    html = draw(StageView())
    assert "Your picture appears here" in html
    assert "画会出现在这里" in html
    assert 'data-busy="no"' in html


def test_queued_tells_place_and_time_and_can_be_left() -> None:
    html = draw(after(Queued(position=2, seconds=5.2)))
    assert "2nd in line · about 6 s" in html
    assert "排在第 2 位 · 约 6 秒" in html
    assert 'data-do="cancel" data-job="j"' in html
    assert 'data-busy="yes"' in html


def test_loading_names_the_model() -> None:
    html = draw(after(Loading(request="j-1", model="pocket")))
    assert "Loading Pocket" in html
    assert "正在换上 口袋画师" in html


def test_painting_shows_step_time_and_preview() -> None:
    html = draw(after(Step(request="j-1", step=1, steps=4, seconds_left=2.7, preview=b"jpeg")))
    assert "Painting 1 of 2" in html
    assert "step 1 of 4 · about 3 s left" in text(html, "en")
    assert "第 1 / 4 步 · 还剩约 3 秒" in text(html, "zh")
    assert "data:image/jpeg;base64,anBlZw==" in html
    assert 'aria-valuenow="25"' in html


def text(html: str, language: str) -> str:
    """What a reader of one language sees."""
    import re

    other = "zh-CN" if language == "en" else "en"
    return re.sub(r"<[^>]+>", "", re.sub(rf'<span class="w" lang="{other}">.*?</span>', "", html))


def test_a_step_without_preview_keeps_the_last_one() -> None:
    shown = after(Step(request="j-1", step=1, steps=4, preview=b"jpeg"), Step(request="j-1", step=2, steps=4))
    assert shown.sheets[0].slots[0].preview == b"jpeg"
    assert shown.sheets[0].slots[0].share == 50


def test_a_kept_picture_shows_with_its_recipe_while_the_next_is_painted() -> None:
    shown = after(Step(request="j-1", step=4, steps=4), saved(1), Step(request="j-2", step=1, steps=4))
    html = draw(shown)
    assert 'src="pictures/pic-j-1.png"' in html
    assert 'data-slot="1" data-seed="102"' in html.replace("plate on", "plate")
    assert 'class="plate on" data-slot="1"' in html
    assert 'href="pictures/pic-j-1.png?download=1"' in html


def test_done_stays_on_the_last_picture_and_is_no_longer_at_work() -> None:
    html = draw(after(saved(1), saved(2), Done()))
    assert 'class="plate on" data-slot="1"' in html
    assert 'data-busy="no"' in html
    assert "took 2.1 s" in html


def test_one_picture_has_no_siblings() -> None:
    html = draw(after(saved(1), Done(), count=1))
    assert 'class="sib"' not in html
    assert "Your picture" in html


def test_skipped_ones_are_marked_and_all_skipped_is_said() -> None:
    assert "skipped" in draw(after(Skipped(request="j-1"), saved(2), Done()))
    assert "All of them were skipped" in draw(after(Skipped(request="j-1"), Skipped(request="j-2"), Done()))


def test_stopping_keeps_the_last_preview_and_offers_the_rest() -> None:
    html = draw(
        after(Step(request="j-1", step=3, steps=4, preview=b"jpeg"), Cancelled(request="j-1", step=3))
    )
    assert "Stopped at step 3" in html
    assert "anBlZw==" in html
    assert 'data-do="paint" data-resume="j"' in html
    assert 'data-local="discard" data-job="j"' in html


def test_what_is_being_fetched_with_its_rate_and_a_way_out() -> None:
    fetching = Downloading(model="pocket", done=1_200_000_000, total=6_900_000_000, rate=12e6)
    html = draw(after(Queued(position=1), fetching))
    assert "Fetching Pocket" in html
    assert "正在下载 口袋画师" in html
    assert "1.2 GB of 6.9 GB" in html
    assert "12 MB/s" in html
    assert "about 8 min" in html
    assert 'aria-valuenow="17"' in html
    assert "Leave the queue" in html
    assert 'data-do="cancel" data-job="j"' in html
    begun = draw(after(Downloading(model="other", done=0, total=0)))
    assert "Fetching other" in begun
    assert "Asking how much there is to fetch" in begun
    assert "Loading Pocket" in draw(after(fetching, Loading(request="j-1", model="pocket")))


def test_a_job_that_waits_for_files_lets_others_have_the_stage() -> None:
    shown = view(sheet_of(job(1, "a")), sheet_of(job(1, "b", state="running")))
    shown = shown.after(Downloading(job="a", model="pocket", done=1, total=2))
    assert shown.shown is not None
    assert shown.shown.job == "b"
    html = draw(shown)
    assert '<div class="pills">' in html
    assert "Fetching Pocket" in html
    assert 'data-job="a"' in html


def test_leaving_the_line_is_said_as_such() -> None:
    assert "Left the queue" in draw(after(Queued(position=1), Cancelled()))


def test_failure_is_worded_and_can_be_tried_again() -> None:
    html = draw(after(Failed(request="j-1", code="nobody_worded_this")))
    assert "Something broke inside the studio (nobody_worded_this)" in html
    assert "Try again" in html
    assert 'data-do="paint" data-resume="j"' in html
    assert 'role="alert"' in html


def test_interrupted_offers_the_rest_and_counts_what_is_kept() -> None:
    record = job(3, state="interrupted", pictures=("pic-j-1",), ended=("j-1",))
    html = draw(view(sheet_of(record, (picture(request(1)),))))
    assert "This was interrupted" in html
    assert "1 of 3 are painted and kept" in html
    assert "Paint the rest" in html
    assert "pictures/pic-j-1/thumbnail" in html


def test_the_first_job_at_work_is_shown_and_the_next_one_waits_in_a_pill() -> None:
    shown = view(sheet_of(job(1, "a", state="running")), sheet_of(job(1, "b")))
    shown = shown.after(Queued(job="b", position=2, seconds=5.5))
    html = draw(shown)
    assert 'data-job="a" data-phase="loading"' in html
    assert "Your next one: 2nd in line · about 6 s" in html
    ended = shown.after(Saved(job="a", request="a-1", picture=picture(request(1, "a")))).after(Done(job="a"))
    assert ended.shown is not None
    assert ended.shown.job == "b"


def test_a_failure_behind_another_job_is_not_lost() -> None:
    failed = sheet_of(job(1, "a", state="failed", trouble=Trouble(code="worker_lost")))
    html = draw(view(failed, sheet_of(job(1, "b", state="running"))))
    assert "An earlier one failed" in html
    assert 'data-resume="a"' in html


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='x"]
)
def test_what_people_type_is_text_and_nothing_else(evil: str) -> None:
    of = request(1, prompt=evil, negative=evil)
    record = job(1).model_copy(update={"requests": (of,)})
    shown = view(sheet_of(record, (picture(of),)).after(Done(job="j")))
    for html in (draw(shown), draw_card(shown)):
        assert evil not in html
        assert "<script" not in html
        assert "<img src=x" not in html


def test_events_of_other_jobs_and_unknown_ones_change_nothing() -> None:
    shown = after()
    assert shown.after(Done(job="another")) == shown


def test_replaying_the_same_events_gives_the_same_view() -> None:
    events = [Queued(position=1), Loading(request="j-1", model="pocket"), saved(1), saved(2), Done()]
    once = after(*events)
    assert after(*events, *events).sheets[0].slots == once.sheets[0].slots


def test_the_recipe_reads_as_other_tools_write_it() -> None:
    told = recipe_text(view(), request(1))
    assert told == (
        "an orange cat\nNegative prompt: blurry\n"
        "Steps: 4, Sampler: Euler, CFG scale: 7, Seed: 101, Size: 64x64, Model: Pocket"
    )


def test_a_finished_picture_can_be_sent_on_and_one_being_painted_cannot() -> None:
    html = draw(after(saved(1), Done(), count=1))
    for way in ("redraw", "inpaint", "upscale", "variations"):
        assert f'data-do="send" data-way="{way}" data-picture="pic-j-1">' in html
    painting = draw(after(Step(request="j-1", step=1, steps=4), count=1))
    assert 'data-do="send" data-way="redraw" disabled>' in painting


def with_request(**changes: Any) -> StageView:
    """A stage with one finished picture of a request."""
    of = request(1, **changes)
    record = job(1).model_copy(update={"requests": (of,)})
    return view(sheet_of(record, (picture(of),))).after(Done(job="j"))


def test_what_was_only_enlarged_has_no_variations_and_no_painters_numbers() -> None:
    start = Start(picture="a" * 64)
    shown = with_request(start=start, stages=(Upscale(factor=4.0),))
    html = draw(shown)
    assert 'data-way="variations" data-picture="pic-j-1" disabled>' in html
    assert "Upscale 4× · Lanczos" in text(html, "en")
    assert "Steps" not in text(html, "en")
    assert "Upscaled" in text(draw(with_request(prompt="", start=start, stages=(Upscale(),))), "en")


def test_a_picture_can_be_compared_with_what_it_started_from() -> None:
    html = draw(with_request(start=Start(picture="a" * 64, fit="stretch")))
    assert 'data-local="compare"' in html
    assert f'style="object-fit:fill" src="api/inputs/{"a" * 64}"' in html
    for bare in (with_request(), with_request(start=Start(picture="a" * 64), outpaint=Outpaint(left=8))):
        assert "compare" not in draw(bare)


def test_the_recipe_says_what_is_not_as_it_is_by_itself() -> None:
    plain = text(draw(with_request()), "en")
    for word in ("Start", "Variation", "VAE", "Clip skip", "Negative counts", "Tiling", "Hi-res", "Upscale"):
        assert f"{word} " not in plain.split("Sampler Euler")[1]
    shown = with_request(
        start=Start(picture="a" * 64, strength=0.35), mask=Mask(picture="b" * 64), vae="sharp", clip_skip=2,
        variation=Variation(seed=9, weight=0.2), tiling="across", negative="text", negative_counts="needed",
        stages=(Base(), HighResolution(factor=1.5, strength=0.4), Upscale(upscaler="unknown-x4")),
    )  # fmt: skip
    named = StageView(shown.sheets, MODELS | {"sharp": Bilingual(en="Sharp VAE", zh="锐利")}, SAMPLERS)
    told = text(draw(named), "en")
    for said in (
        "Start inpaint 0.35", "Variation 9 · 0.20", "VAE Sharp VAE", "Clip skip 2", "Negative counts As needed",
        "Tiling Across",
        "Hi-res 1.5× · latent · 0.40", "Upscale 2× · unknown-x4",
    ):  # fmt: skip
        assert said in told


def test_the_copied_recipe_names_what_other_tools_name() -> None:
    of = request(
        1, start=Start(picture="a" * 64, strength=0.35), mask=Mask(picture="b" * 64, feather=4),
        variation=Variation(seed=9, weight=0.2), clip_skip=2, stages=(Base(), HighResolution(factor=1.5)),
        negative="text", negative_counts="needed",
    )  # fmt: skip
    told = recipe_text(view(), of)
    assert (
        "Clip skip: 2, Negative counts: as needed, Denoising strength: 0.35, Mask blur: 4, Masked content: original"
        in told
    )
    assert "Variation seed: 9, Variation seed strength: 0.2, Hires upscale: 1.5" in told


def test_a_notice_stands_beside_the_picture_it_is_about() -> None:
    shown = after(
        Notice(request="j-1", code="vae_full_precision"), saved(1), saved(2), Done(),
        Notice(code="memory_retry"),
    )  # fmt: skip
    first, second = draw(shown).split('data-slot="1"')[:2]
    assert "full precision" in first
    assert "full precision" not in second
    assert "needs less of it" in first
    assert "needs less of it" in second
    assert draw(shown.after(Notice(job="j", request="j-1", code="vae_full_precision"))) == draw(shown)


def test_a_second_pass_and_enlarging_are_told_as_such() -> None:
    steps = {"request": "j-1", "step": 3, "steps": 9}
    assert "refining, step 3 of 9" in draw(after(Step(stage="high_resolution", **steps)))
    assert "enlarging, part 3 of 9" in draw(after(Step(stage="upscale", **steps)))
    assert "step 3 of 9" in draw(after(Step(**steps)))


def test_a_picture_is_framed_in_its_own_shape_once_it_is_there() -> None:
    of = request(1, width=64, height=64)
    kept = picture(of).model_copy(update={"size": Size(width=200, height=80)})
    html = draw(after(Saved(request="j-1", picture=kept), count=1))
    assert 'style="--w:200;--h:80"' in html
    assert 'class="stage wide"' in html


def test_the_card_of_a_narrow_page() -> None:
    assert draw_card(StageView()) == ""
    assert "At work" in draw_card(after(Queued(position=1)))
    assert "Done · 2 pictures" in draw_card(after(saved(1), saved(2), Done()))


def test_a_failure_that_another_job_followed_can_be_put_away() -> None:
    failed = sheet_of(job(id="f", state="failed", trouble=Trouble(code="bug")))
    drawn = draw(StageView((failed, sheet_of(job(id="j"))), MODELS, SAMPLERS))
    pill = drawn[drawn.index('class="pills"') :]
    assert 'data-local="discard" data-job="f"' in pill


def test_variations_are_told_apart_by_the_seed_that_is_mixed_in() -> None:
    varied = [Variation(seed=seed, weight=0.2) for seed in (31, 32)]
    requests = tuple(request(number, seed=7, variation=one) for number, one in enumerate(varied, 1))
    strip = draw(StageView((sheet_of(job().model_copy(update={"requests": requests})),), MODELS, SAMPLERS))
    assert re.findall(r'<small class="num">(\d+)</small>', strip) == ["31", "32"]
