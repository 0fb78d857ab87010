"""Captions in English and Chinese: sentences and spell lists, order and subsets varied."""

from __future__ import annotations

import random

from pocket.world import words
from pocket.world.scene import Scene, Thing
from pocket.world.subjects import SUBJECTS

LANGUAGES = ("en", "zh")


def way(table: dict[str, words.Ways], key: str, rng: random.Random, lang: str) -> str:
    """One of the ways to say it; the first way is said most often."""
    ways = table[key][LANGUAGES.index(lang)]
    return ways[0] if rng.random() < 0.5 else rng.choice(ways)


def article(phrase: str) -> str:
    """The phrase with a or an."""
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def says_colour(thing: Thing, rng: random.Random) -> bool:
    """Colours are said, but may go unsaid where they are the natural ones."""
    return rng.random() > (0.3 if thing.colour in words.NATURAL[thing.subject] else 0.02)


def noun(thing: Thing, count: int, rng: random.Random, lang: str) -> str:
    """Colour, subject and number: `a red cat`, `两只红色的猫`. A person's colour is that of the clothes."""
    name = way(words.SUBJECT_WORDS, thing.subject, rng, lang)
    colour = way(words.COLOUR_WORDS, thing.colour, rng, lang) if says_colour(thing, rng) else ""
    person = SUBJECTS[thing.subject].person
    if lang == "zh":
        head = {1: "一", 2: "两", 3: "三"}[count] + words.MEASURES[thing.subject]
        head = "" if count == 1 and rng.random() < 0.2 else head
        tie = "的" if colour and (len(colour) > 1 or rng.random() < 0.5) else ""
        if person and colour:
            wear = "裙子" if thing.subject == "girl" else "上衣"
            return f"{head}穿{colour}{tie}{wear}的{name}"
        return f"{head}{colour}{tie}{name}"
    many = words.plural(name) if count > 1 else name
    number = {2: "two ", 3: "three "}.get(count, "")
    if person and colour:
        wear = "dress" if thing.subject == "girl" else "shirt"
        dressed = f"{many} {rng.choice(('in', 'wearing'))} {article(f'{colour} {wear}')}"
        return number + dressed if number else article(dressed)
    plain = f"{colour} {many}".strip()
    return number + plain if number else article(plain)


def extras(thing: Thing, rng: random.Random, lang: str) -> list[str]:
    """Details, pose and expression as short phrases."""
    out = [way(words.DETAIL_WORDS, d, rng, lang) for d in thing.details if rng.random() < 0.95]
    if thing.pose and rng.random() < 0.8:
        out.append(way(words.POSE_WORDS, thing.pose, rng, lang))
    if SUBJECTS[thing.subject].person and rng.random() < (0.4 if thing.expression == "smiling" else 0.9):
        out.append(way(words.EXPRESSION_WORDS, thing.expression, rng, lang))
    return out


def around(scene: Scene, rng: random.Random, lang: str, sentence: bool) -> list[str]:
    """Background, light and style as phrases, some left unsaid."""
    out = []
    if rng.random() > (0.4 if scene.background in ("plain", "gradient") else 0.04):
        out.append(way(words.WHERE if sentence else words.BACKGROUND_WORDS, scene.background, rng, lang))
    if rng.random() < (0.12 if scene.light == "day" else 0.95):
        out.append(way(words.LIGHT_WORDS, scene.light, rng, lang))
    if rng.random() < (0.3 if scene.style == "flat" else 0.96):
        out.append(way(words.STYLE_WORDS, scene.style, rng, lang))
    return out


def quality(scene: Scene, rng: random.Random, lang: str) -> list[str]:
    """Praise for good pictures, the defect's word for bad ones."""
    if scene.defects:
        return [way(words.DEFECT_WORDS, d, rng, lang) for d in scene.defects if rng.random() < 0.95]
    if rng.random() < 0.65:
        return []
    return rng.sample(words.QUALITY[LANGUAGES.index(lang)], rng.choice((1, 1, 2, 3)))


def subjects(scene: Scene, rng: random.Random, lang: str) -> str:
    """What is there, with places: `a red cat to the left of a blue dog`."""
    first, last = scene.things[0], scene.things[-1]
    if not scene.relation:
        return noun(first, scene.count, rng, lang)
    a, b = noun(first, 1, rng, lang), noun(last, 1, rng, lang)
    relation = scene.relation
    if rng.random() < 0.25:
        a, b = b, a
        relation = {"left": "right", "right": "left", "above": "below", "below": "above"}[relation]
    if rng.random() < 0.18:
        return f"{a}和{b}" if lang == "zh" else f"{a} and {b}"
    tie = way(words.RELATION_WORDS, relation, rng, lang)
    return f"{a}在{b}{tie}" if lang == "zh" else f"{a} {tie} {b}"


def spell_list(scene: Scene, rng: random.Random, lang: str) -> str:
    """Phrases between commas; the subject mostly first."""
    rest = [p for t in scene.things[: 2 if scene.relation else 1] for p in extras(t, rng, lang)]
    rest += around(scene, rng, lang, False) + quality(scene, rng, lang)
    rng.shuffle(rest)
    head = subjects(scene, rng, lang)
    if lang == "en" and rng.random() < 0.5 and head.startswith(("a ", "an ")):
        head = head.split(" ", 1)[1]
    spells = [head, *rest] if rng.random() < 0.8 else [*rest, head]
    return ("，" if lang == "zh" and rng.random() < 0.6 else ", ").join(spells)


def sentence(scene: Scene, rng: random.Random, lang: str) -> str:
    """A sentence, maybe with an opening and a tail."""
    opening = rng.choice(words.OPENINGS[LANGUAGES.index(lang)]) if rng.random() < 0.3 else ""
    more = [p for t in scene.things[: 2 if scene.relation else 1] for p in extras(t, rng, lang)]
    place = around(scene, rng, lang, True)
    tail = quality(scene, rng, lang)
    core = subjects(scene, rng, lang)
    if lang == "zh":
        where = place.pop(0) if place and place[0].startswith("在") and not scene.relation else ""
        return "，".join([f"{opening}{core}{where}", *more, *place, *tail])
    return " ".join([opening, core, *more[:1], *place[:1]]).strip() + "".join(f", {p}" for p in (
        *more[1:], *place[1:], *tail))


def caption(scene: Scene, rng: random.Random, lang: str | None = None) -> str:
    """One caption of the scene; the rng decides wording, order and what goes unsaid."""
    lang = lang or rng.choice(LANGUAGES)
    if lang not in LANGUAGES:
        raise ValueError(f"unknown language {lang!r}; known: {', '.join(LANGUAGES)}")
    return (sentence if rng.random() < 0.55 else spell_list)(scene, rng, lang)
