"""What a person adds to the book: own spells, styles and scenes, favourites, and what was used last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from studio.errors import StudioError
from studio.messages import RECORD_FORMAT, Bilingual, Language, Message
from studio.spellbook.book import HAN, SLOT, Aspect, SceneLora

LONGEST_NAME = 60
LONGEST_TEXT = 4000
LONGEST_KEY = 200
MOST = 2000
"""Entries of one kind."""
MOST_RECENT = 60
NAMES_ALL = ("own", "我的")
"""Wildcards that stand for all of a person's own spells."""
_ESCAPED = re.compile(r"\\.", re.DOTALL)

OwnId = Annotated[str, Field(pattern="^own-[a-z0-9-]{1,40}$|^$")]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Key = Annotated[str, Field(min_length=1, max_length=LONGEST_KEY)]
Item = TypeVar("Item", bound="_Own")


class Said(Bilingual):
    """Words of one's own, in one language or both; where one is missing the other stands in."""

    en: Text = ""
    zh: Text = ""

    @classmethod
    def of(cls, text: str) -> Said:
        """A text in the language it is written in."""
        return cls(zh=text) if HAN.search(text) else cls(en=text)

    def said(self, language: Language) -> str:
        """The words in one language, or else in the other."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


class _Own(Message):
    """What all that is one's own has."""

    id: OwnId = Field(default="", description="empty: not kept yet")
    name: Name
    prompt: Said
    negative: Said = Said()

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not name.strip():
            raise PydanticCustomError("own_nameless", "needs a name")
        return " ".join(name.split())

    @property
    def title(self) -> Said:
        """Its name, which is the same in both languages."""
        return Said(en=self.name, zh=self.name)


class OwnSpell(_Own):
    """A phrase, or a whole set of them, to be clicked again."""

    @model_validator(mode="after")
    def _says_something(self) -> OwnSpell:
        if not any(text.strip() for text in (*_both(self.prompt), *_both(self.negative))):
            raise PydanticCustomError("own_empty", "says nothing")
        return self


class OwnStyle(_Own):
    """A template of one's own."""

    families: tuple[str, ...] = ()

    @field_validator("prompt")
    @classmethod
    def _has_its_slot(cls, prompt: Said) -> Said:
        written = [text for text in _both(prompt) if text.strip()]
        if not written or not all(SLOT in text for text in written):
            raise PydanticCustomError("style_without_slot", "holds no {prompt}")
        if any(_in_braces(text) for text in written):
            raise PydanticCustomError("style_slot_in_braces", "holds {prompt} inside braces")
        return prompt


class OwnScene(_Own):
    """A filled form of one's own."""

    aspect: Aspect = "1:1"
    style: str = ""
    wants: tuple[str, ...] = ()
    lora: SceneLora | None = None
    seed: int | None = Field(default=None, ge=0)


OwnItem = OwnSpell | OwnStyle | OwnScene
KINDS: Mapping[str, type[OwnSpell] | type[OwnStyle] | type[OwnScene]] = {
    "spells": OwnSpell,
    "styles": OwnStyle,
    "scenes": OwnScene,
}


class PersonalBook(Message):
    """All of it, as it lies in a person's file."""

    format: int = RECORD_FORMAT
    spells: tuple[OwnSpell, ...] = ()
    styles: tuple[OwnStyle, ...] = ()
    scenes: tuple[OwnScene, ...] = ()
    favourites: tuple[Key, ...] = ()
    recent: tuple[Key, ...] = Field(default=(), description="the last used one first")

    @property
    def items(self) -> tuple[OwnItem, ...]:
        """Everything that has an id."""
        return (*self.spells, *self.styles, *self.scenes)

    def find(self, id: str) -> OwnItem:
        """One of them, or an error that says it is gone."""
        for item in self.items:
            if item.id == id:
                return item
        raise StudioError("own_spell_gone")

    def wildcards(self, name: str, language: Language) -> tuple[str, ...]:
        """The texts of all own spells under the names that stand for them."""
        if name.casefold() not in NAMES_ALL:
            return ()
        return tuple(text for spell in self.spells if (text := spell.prompt.said(language)))


def kind_of_item(item: OwnItem) -> str:
    """Under which key of the file a thing stands."""
    return next(name for name, kind in KINDS.items() if isinstance(item, kind))


def checked(kind: type[Item], data: Mapping[str, Any]) -> Item:
    """A thing as the page sends it, or what is wrong with it in words."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise _in_words(error) from None


def _in_words(error: ValidationError) -> StudioError:
    first = error.errors()[0]
    match first["type"]:
        case "own_empty":
            return StudioError("own_empty")
        case "own_nameless" | "string_too_short":
            return StudioError("own_nameless")
        case "style_without_slot":
            return StudioError("style_without_slot")
        case "style_slot_in_braces":
            return StudioError("style_slot_in_braces")
        case "string_too_long":
            most = LONGEST_NAME if "name" in first["loc"] else LONGEST_TEXT
            return StudioError("own_too_long", most=most)
    place = ".".join(str(part) for part in first["loc"])
    return StudioError("own_wrong", place=place, what=first["msg"])


def _both(said: Said) -> tuple[str, str]:
    return said.en, said.zh


def _in_braces(template: str) -> bool:
    """Whether a place lies inside braces: with an alternative that is not chosen the prompt would go too."""
    plain = _ESCAPED.sub("", template)
    before = [plain[: found.start()] for found in re.finditer(re.escape(SLOT), plain)]
    return any(text.count("{") > text.count("}") for text in before)
