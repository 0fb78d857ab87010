"""What the spellbook holds: chapters of spells, styles and scenes, as they are read from presets/."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from studio.entries import Problem
from studio.messages import Bilingual, Message

Part = Literal["formula", "character", "negative"]
PARTS: tuple[Part, ...] = ("formula", "character", "negative")
Sign = Literal[
    "medium", "subject", "detail", "action", "place", "colour", "light", "framing", "style", "clarity"
]
Beside = Literal["painter", "platform", "camera", "modifier", "none"]
Element = Literal[Sign, Beside]
"""What of a picture a chapter speaks of: the ten signs of the formula, and what stands beside them."""
FORMULA: tuple[Element, ...] = get_args(Sign)
"""The elements that the page shows a sign for, in the order of the formula."""
Aspect = Literal["1:1", "3:4", "4:3", "9:16", "16:9"]
Id = Annotated[str, Field(pattern="^[a-z][a-z0-9-]*$")]
Order = Annotated[int, Field(ge=0, description="place among its like; smaller comes first")]
SLOT = "{prompt}"
"""Where a style takes up what a person wrote."""
NAME_WIDTH = 6
"""Most Chinese characters of a tag."""
HAN = re.compile("[\u3400-\u9fff]")
COMMAS = ",，、;；"
SIGNS = "()[]{}<>|\\:"


class Words(Bilingual):
    """Words that both languages must have, each in its own script."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    @field_validator("en")
    @classmethod
    def _is_english(cls, text: str) -> str:
        if found := HAN.search(text):
            raise ValueError(f"holds {found[0]}, which is Chinese")
        return text

    @field_validator("zh")
    @classmethod
    def _is_chinese(cls, text: str) -> str:
        if not HAN.search(text):
            raise ValueError("holds no Chinese")
        return text


class SpellLine(Words):
    """One spell as a line of a chapter: a phrase in both languages and its short Chinese name."""

    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()

    @field_validator("en", "zh")
    @classmethod
    def _is_one_phrase(cls, text: str) -> str:
        if found := [sign for sign in text if sign in COMMAS]:
            raise ValueError(f"holds {found[0]} though a spell is one phrase")
        if found := [sign for sign in text if sign in SIGNS]:
            raise ValueError(f"holds {found[0]} which means something else in a prompt")
        if text != " ".join(text.split()):
            raise ValueError("holds a space too many")
        return text

    @field_validator("name")
    @classmethod
    def _fits_a_tag(cls, name: str) -> str:
        # A letter takes half the room of a Chinese character.
        if sum(2 if HAN.match(letter) else 1 for letter in name) > 2 * NAME_WIDTH:
            raise ValueError(f"is longer than {NAME_WIDTH} Chinese characters")
        return name


class Spell(SpellLine):
    """A spell with what finds it."""

    pinyin: str = Field(description="of its name, without tones, a space between syllables")
    initials: str
    keys: tuple[str, ...] = Field(description="folded: both texts, name, aliases and pinyin")


class Group(Message):
    """Spells of a chapter that belong together."""

    id: Id
    title: Words
    one: bool = Field(default=False, description="a second spell of it takes the place of the first")
    spells: tuple[Spell, ...] = ()


class Chapter(Message):
    """One chapter: which element of a picture it speaks of, and its spells."""

    id: Id
    title: Words
    note: Words
    part: Part
    element: Element
    order: Order
    groups: tuple[Group, ...] = ()

    @property
    def spells(self) -> tuple[Spell, ...]:
        """Its spells, group after group."""
        return tuple(spell for group in self.groups for spell in group.spells)


class Section(Message):
    """The heading over some styles or scenes."""

    id: Id
    title: Words
    order: Order


class Style(Message):
    """A template that takes up what a person wrote."""

    id: Id
    title: Words
    note: Words | None = None
    prompt: Words
    negative: Bilingual
    families: tuple[str, ...] = Field(default=(), description="of models it is meant for; empty: all")

    @field_validator("prompt")
    @classmethod
    def _has_its_slot(cls, prompt: Words) -> Words:
        for language, text in prompt:
            if text.count(SLOT) != 1:
                raise ValueError(f"its {language} must hold {SLOT} once, it does {text.count(SLOT)} times")
        return prompt


class SceneLora(Message):
    """A LoRA that a scene is made for, at the weights that show what it does."""

    name: str = Field(min_length=1)
    weights: tuple[float, ...] = Field(min_length=1)


class Scene(Message):
    """A form filled in one click."""

    id: Id
    title: Words
    prompt: Words
    negative: Bilingual
    aspect: Aspect
    style: str = Field(default="", description="the id of a style; empty: none")
    wants: tuple[str, ...] = Field(default=(), description="models or families; empty: any will do")
    lora: SceneLora | None = None
    seed: int | None = Field(default=None, ge=0)


class StyleGroup(Section):
    """Styles under one heading."""

    styles: tuple[Style, ...] = ()


class SceneGroup(Section):
    """Scenes under one heading."""

    scenes: tuple[Scene, ...] = ()


class Spellbook(Message):
    """The whole book, and what is wrong with its files."""

    chapters: tuple[Chapter, ...] = ()
    styles: tuple[StyleGroup, ...] = ()
    scenes: tuple[SceneGroup, ...] = ()
    thumbnails: tuple[str, ...] = Field(default=(), description="ids of the styles that a picture shows")
    problems: tuple[Problem, ...] = ()

    @property
    def spells(self) -> tuple[Spell, ...]:
        """Every spell, chapter after chapter."""
        return tuple(spell for chapter in self.chapters for spell in chapter.spells)
