"""The evaluation's prompts: held-out scenes said in full, in both languages."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pocket.world import SUBJECTS, Scene, Thing, sample
from pocket.world.scene import DEFECTS, LIGHTS, STYLES
from pocket.world.words import (
    BACKGROUND_WORDS,
    COLOUR_WORDS,
    COUNT_WORDS,
    DEFECT_WORDS,
    LIGHT_WORDS,
    MEASURES,
    RELATION_WORDS,
    STYLE_WORDS,
    SUBJECT_WORDS,
    WHERE,
    plural,
)

LANGUAGES = ("en", "zh")
TASKS = {
    "single object": "single",
    "two objects": "pair",
    "counting": "count",
    "colours": "single",
    "position": "pair",
    "colour binding": "pair",
}


@dataclass(frozen=True)
class Prompt:
    """A prompt, the truth it asks for and its fixed seed; the negative is what would take a defect away."""

    task: str
    lang: str
    text: str
    scene: Scene
    seed: int
    negative: str = ""


def first(table: dict, key: object, lang: str) -> str:
    """The plainest way to say it."""
    return table[key][LANGUAGES.index(lang)][0]


def clothes(subject: str, tint: str, lang: str) -> str:
    """What a person of that colour wears."""
    if lang == "zh":
        return f"穿{tint}的{'裙子' if subject == 'girl' else '上衣'}的"
    return f" in {'an' if tint[0] in 'aeiou' else 'a'} {tint} {'dress' if subject == 'girl' else 'shirt'}"


def named(thing: Thing, lang: str, many: bool = False) -> str:
    """The thing with its colour."""
    name, tint = first(SUBJECT_WORDS, thing.subject, lang), first(COLOUR_WORDS, thing.colour, lang)
    name = plural(name) if many and lang == "en" else name
    if SUBJECTS[thing.subject].person:
        worn = clothes(thing.subject, tint, lang)
        return worn + name if lang == "zh" else name + worn
    return f"{tint}的{name}" if lang == "zh" else f"{tint} {name}"


def one(scene: Scene, k: int, lang: str) -> str:
    """One thing of the scene with its article or measure word."""
    thing = scene.things[k]
    words = named(thing, lang)
    if lang == "zh":
        return f"一{MEASURES[thing.subject]}{words}"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def several(scene: Scene, lang: str) -> str:
    """Two or three of the same."""
    thing, number = scene.things[0], first(COUNT_WORDS, scene.count, lang)
    words = named(thing, lang, many=True)
    return f"{number}{MEASURES[thing.subject]}{words}" if lang == "zh" else f"{number} {words}"


def say(task: str, scene: Scene, lang: str) -> str:
    """The prompt of a task for a scene."""
    where = first(WHERE, scene.background, lang)
    if task == "counting":
        core = several(scene, lang)
    elif task in ("two objects", "colour binding"):
        core = (" and " if lang == "en" else "和").join(one(scene, k, lang) for k in (0, 1))
    elif task == "position":
        a, b, tie = one(scene, 0, lang), one(scene, 1, lang), first(RELATION_WORDS, scene.relation, lang)
        core = f"{a} {tie} {b}" if lang == "en" else f"{a}在{b}{tie}"
    else:
        core = one(scene, 0, lang)
    return f"{core} {where}" if lang == "en" else f"{core}，{where}"


def task_prompts(count: int, lang: str) -> list[Prompt]:
    """`count` prompts of one language, shared out among the six tasks."""
    out, each = [], max(1, count // len(TASKS))
    for t, (task, kind) in enumerate(TASKS.items()):
        for k in range(each):
            scene = sample(10_000 * (t + 1) + k, "held_out", kind, plain=True)
            out.append(Prompt(task, lang, say(task, scene, lang), scene, 1000 * t + k))
    return out


def spelled(scene: Scene, lang: str, *words: str) -> str:
    """A single subject as a list of spells, with more spells behind."""
    comma = ", " if lang == "en" else "，"
    return comma.join((one(scene, 0, lang), first(BACKGROUND_WORDS, scene.background, lang), *words))


def word_prompts(heading: str, words: tuple[str, ...], ways: dict, each: int, seed: int) -> list[Prompt]:
    """Single subjects with every word of a heading, languages by turns."""
    out = []
    for w, word in enumerate(words):
        for k in range(each):
            lang = LANGUAGES[k % 2]
            asked = {heading: word}
            scene = plain_scene(10 * seed + 100 * w + k, dark=heading != "light")
            text = spelled(scene, lang, first(ways, word, lang))
            out.append(Prompt(heading, lang, text, replace(scene, **asked), seed + 100 * w + k))
    return out


def plain_scene(seed: int, dark: bool) -> Scene:
    """A held-out single subject; the night sky stays dark in any light, so light is not asked of it."""
    scene = sample(seed, "held_out", "single", plain=True)
    return scene if dark or scene.background != "night sky" else plain_scene(seed + 1_000_000, dark)


def style_prompts(each: int) -> list[Prompt]:
    """Single subjects in every style, languages by turns."""
    return word_prompts("style", STYLES, STYLE_WORDS, each, 7000)


def light_prompts(each: int) -> list[Prompt]:
    """Single subjects in every light, languages by turns."""
    return word_prompts("light", LIGHTS, LIGHT_WORDS, each, 9000)


def guarded_prompts(count: int) -> list[Prompt]:
    """Single subjects that nothing spoils, guarded by the words of all defects at once; languages by turns."""
    out = []
    for k in range(count):
        lang, scene = LANGUAGES[k % 2], sample(97_000 + k, "held_out", "single", plain=True)
        words = ", ".join(first(DEFECT_WORDS, defect, lang) for defect in DEFECTS)
        out.append(Prompt("colours", lang, spelled(scene, lang), scene, 9500 + k, words))
    return out


def defect_prompts(each: int) -> list[Prompt]:
    """Single subjects with every defect's word, which is also the negative; languages by turns."""
    out = []
    for d, defect in enumerate(DEFECTS):
        for k in range(each):
            lang, scene = LANGUAGES[k % 2], sample(95_000 + 100 * d + k, "held_out", "single", plain=True)
            word, seed = first(DEFECT_WORDS, defect, lang), 8000 + 100 * d + k
            spoilt = replace(scene, defects=(defect,))
            out.append(Prompt("defect", lang, spelled(scene, lang, word), spoilt, seed, word))
    return out
