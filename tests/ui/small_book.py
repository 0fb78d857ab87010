"""A book of three chapters, as the page is given one."""

from __future__ import annotations

from typing import Any


def _chapter(
    id: str, en: str, zh: str, element: str, part: str, groups: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "id": id, "title": [en, zh], "note": [f"about {en}", f"关于{zh}"], "part": part, "element": element,
        "groups": groups,
    }  # fmt: skip


def _group(id: str, *rows: list[str], one: bool = False) -> dict[str, Any]:
    return {"id": id, "title": [id, "一组"], **({"one": True} if one else {}), "spells": list(rows)}


BOOK: dict[str, Any] = {
    "format": 1,
    "chapters": [
        _chapter(
            "animals", "Animals", "动物", "subject", "formula",
            [_group("pets", ["cat", "猫", "猫", "mao"], ["puppy", "小狗", "小狗", "xiao gou", "dog"])],
        ),
        _chapter(
            "light", "Light", "光线", "light", "formula",
            [
                _group(
                    "quality",
                    ["soft light", "柔和的光线", "软光", "ruan guang", "gentle light", "柔光"],
                    ["hard light", "强硬的光线", "硬光", "ying guang"],
                    one=True,
                ),
                _group("time", ["golden hour", "金色的黄昏时刻", "金色时刻", "jin se shi ke"]),
            ],
        ),
        _chapter(
            "quality", "Quality", "画质", "none", "negative",
            [
                _group(
                    "worst",
                    ["lowres", "低分辨率", "低分辨率", "di fen bian lv"],
                    ["low quality", "低质量", "低质量", "di zhi liang"],
                    ["worst quality", "最差质量", "最差", "zui cha"],
                )
            ],
        ),
    ],
    "styles": [],
    "scenes": [],
}  # fmt: skip
