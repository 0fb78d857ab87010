"""LoRAs that learn, over the wire: pictures, plans, what goes on, and who may."""

from __future__ import annotations

import time
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.service import Studio
from tests.api.conftest import client, guest
from tests.training.bringing import png, zipped
from tests.worlds import PATIENCE

ANOTHER = {"sec-fetch-site": "cross-site"}
CHINESE = {"cookie": "studio_language=zh"}
PATH = "/api/trainings"


def three() -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (f"red cat {number}.png", png(number))) for number in range(3)]


def brought(browser: TestClient) -> list[dict[str, Any]]:
    """Three pictures, kept."""
    answer = browser.post(f"{PATH}/pictures", files=three())
    assert answer.status_code == 200, answer.text
    pictures: list[dict[str, Any]] = answer.json()["pictures"]
    return pictures


def draft(browser: TestClient, **changes: object) -> dict[str, object]:
    return {"model": "tiny", "trigger": "zub", "pictures": brought(browser), "steps": 4} | changes


def waited(browser: TestClient, state: str) -> dict[str, Any]:
    """The one training, once it is in a state."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        (told,) = browser.get(PATH).json()["trainings"]
        if told["state"] == state:
            return dict(told)
        time.sleep(0.02)
    raise AssertionError(f"it never came to be {state}: {told['state']}")


def test_pictures_and_zips_are_kept_with_their_captions_and_what_was_left_out_is_told(alone: Studio) -> None:
    browser = client(alone)
    extra = [
        ("files", ("set.zip", zipped({"a/blue hat.png": png(7)}).getvalue())),
        ("files", ("b.png", b"x")),
    ]
    answer = browser.post(f"{PATH}/pictures", files=[*three(), *extra])
    told = answer.json()
    assert sorted(one["caption"] for one in told["pictures"]) == ["blue hat", "red cat", "red cat", "red cat"]
    ((en, zh),) = told["notes"]
    assert "b.png" in en and "b.png" in zh and "没有用上" in zh
    shown = browser.get(f"{PATH}/pictures/{told['pictures'][0]['picture']}")
    assert shown.headers["content-type"] == "image/jpeg"
    assert browser.get(f"{PATH}/pictures/{'0' * 64}").status_code == 404


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([("files", ("notes.md", b"x"))], "training_without_pictures"),
        ([("files", ("set.zip", b"no zip"))], "training_zip_broken"),
        ([("files", ("set.zip", zipped({"a.png": bytes(40 * 2**20)}).getvalue()))], "training_zip_bomb"),
    ],
)
def test_what_cannot_be_used_is_refused_in_the_language_of_who_sent_it(
    alone: Studio, files: list[Any], code: str
) -> None:
    answer = client(alone).post(f"{PATH}/pictures", files=files, headers=CHINESE)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert any("\u4e00" <= sign <= "\u9fff" for sign in answer.json()["text"])


def test_what_is_no_form_is_refused(alone: Studio) -> None:
    browser = client(alone)
    assert browser.post(f"{PATH}/pictures", content=b"x").json()["code"] == "training_without_pictures"
    many = [("files", (f"{number}.txt", b"")) for number in range(1001)]
    assert browser.post(f"{PATH}/pictures", files=many).json()["code"] == "training_upload"


def test_a_plan_tells_shapes_and_settings_and_a_wrong_number_is_told(alone: Studio) -> None:
    browser = client(alone)
    asked = draft(browser)
    plan = browser.post(f"{PATH}/plan", json=asked).json()
    assert plan["settings"]["steps"] == 4 and len(plan["places"]) == 3 and plan["ends"]["rank"] == [1, 256]
    wrong = browser.post(f"{PATH}/plan", json=asked | {"rank": 999})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "setting_out_of_range")


def test_a_training_is_begun_watched_and_ends_with_its_file(alone: Studio) -> None:
    browser = client(alone)
    id = browser.post(PATH, json=draft(browser)).json()["id"]
    assert len(waited(browser, "done")["curve"]) == 1
    told = browser.get(f"{PATH}/{id}").json()
    assert (told["id"], told["lora"], told["name"]) == (id, "zub.safetensors", "zub")
    assert [point["step"] for point in told["curve"]] == [1, 2, 3, 4] and told["samples"][-1]["step"] == 4
    shown = browser.get(f"{PATH}/{id}/samples/{told['samples'][-1]['number']}")
    assert shown.headers["content-type"] == "image/jpeg"
    assert browser.get(f"{PATH}/{id}/samples/99").status_code == 404
    assert browser.post(f"{PATH}/{id}/discard").status_code == 200
    assert browser.get(PATH).json()["trainings"] == []
    assert browser.get(f"{PATH}/{id}").json()["code"] == "job_unknown"


def test_one_is_paused_resumed_and_ended_early(open_studio: Any) -> None:
    studio: Studio = open_studio()
    studio._engine._step_seconds = 0.01  # type: ignore[attr-defined]
    browser = client(studio)
    id = browser.post(PATH, json=draft(browser, steps=5000)).json()["id"]
    waited(browser, "running")
    assert browser.post(f"{PATH}/{id}/pause").status_code == 200
    waited(browser, "cancelled")
    assert browser.post(f"{PATH}/{id}/resume").status_code == 200
    waited(browser, "running")
    assert browser.post(f"{PATH}/{id}/keep").status_code == 200
    assert waited(browser, "done")["early"]
    assert browser.post(f"{PATH}/{id}/keep").json()["code"] == "job_not_resumable"
    assert browser.post(f"{PATH}/{id}/eat").status_code == 404


def test_too_few_pictures_are_told_before_anything_is_begun(alone: Studio) -> None:
    browser = client(alone)
    asked = draft(browser)
    asked["pictures"] = asked["pictures"][:2]  # type: ignore[index]
    answer = browser.post(PATH, json=asked, headers=CHINESE)
    assert answer.json()["code"] == "training_count" and "2" in answer.json()["text"]
    assert browser.get(PATH).json()["trainings"] == []


def test_models_say_whether_they_can_be_trained_on(alone: Studio) -> None:
    (model,) = client(alone).get(PATH).json()["models"]
    assert (model["id"], model["why"]) == ("tiny", None)


def test_whoever_is_no_admin_trains_nothing(public: Studio) -> None:
    cookie, _ = guest(public)
    browser = client(public, cookie)
    assert browser.post(f"{PATH}/pictures", files=three()).json()["code"] == "admin_only"
    assert browser.post(PATH, json={"model": "tiny"}).json()["code"] == "admin_only"
    assert browser.get(f"{PATH}/pictures/{'0' * 64}").json()["code"] == "admin_only"


def test_another_site_can_do_nothing_here(alone: Studio) -> None:
    browser = client(alone)
    assert browser.post(f"{PATH}/pictures", files=three(), headers=ANOTHER).status_code == 403
    assert browser.post(PATH, json=draft(browser), headers=ANOTHER).status_code == 403
    assert browser.post(f"{PATH}/x/discard", headers=ANOTHER).status_code == 403
