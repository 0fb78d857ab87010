"""The words that everything else is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Role = Literal["guest", "user", "admin"]
Balance = Literal["prompt", "even", "reference"]
"""Which counts more, where a picture follows both."""
NegativeCounts = Literal["full", "needed"]
"""How much of the negative prompt is led away from: all of it, or as much as there is to take away."""
Param = str | int | float
RECORD_FORMAT = 1
"""The `format` number of everything that is stored today."""
LARGEST_LORA_WEIGHT = 4.0
"""Of either sign; sliders are used up to it, and beyond it nothing but noise comes of any LoRA."""
MOST_LORAS = 8
"""In one picture."""
LARGEST_LORA = 4 * 2**30
"""Bytes of a file that is taken in as a LoRA; a whole checkpoint is about as large."""


class Message(BaseModel):
    """Base of all that travels."""

    # Bytes as base64: JSON holds no others.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        protected_namespaces=(),
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


class Bilingual(Message):
    """The same words in both languages of the page."""

    en: str
    zh: str

    def said(self, language: Language) -> str:
        """The words in one language."""
        return self.zh if language == "zh" else self.en


class Person(Message):
    """Who asks. On loopback without accounts there is one, and it is the admin."""

    id: str
    name: str = ""
    role: Role = "guest"
    language: Language = "en"


class Size(Message):
    """Width and height in pixels."""

    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Trouble(Message):
    """An error as it crosses a border: a code and parameters, worded by the surface."""

    code: str
    params: dict[str, Param] = {}


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
"""The sha256 of a picture's file; by it a recipe names its inputs, which lie in the data folder."""
