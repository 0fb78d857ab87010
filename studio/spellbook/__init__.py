"""The spellbook: phrases to click instead of phrases to remember, read from presets/."""

from studio.spellbook.anatomy import FORMULA, Anatomy, Mark, anatomy
from studio.spellbook.book import (
    PARTS,
    SLOT,
    Chapter,
    Group,
    Scene,
    SceneGroup,
    SceneLora,
    Spell,
    Spellbook,
    Style,
    StyleGroup,
)
from studio.spellbook.dealing import dice, hint, random_prompt, spoken, wand
from studio.spellbook.finding import Found, fold, search
from studio.spellbook.index import Index, Place
from studio.spellbook.page import book_for_page
from studio.spellbook.reading import PRESETS, read_spellbook
from studio.spellbook.translating import Translated, Translator

__all__ = [
    "Translated",
    "Translator",
    "Spellbook",
    "Chapter",
    "Group",
    "Spell",
    "Style",
    "StyleGroup",
    "Scene",
    "SceneGroup",
    "SceneLora",
    "PARTS",
    "SLOT",
    "PRESETS",
    "read_spellbook",
    "search",
    "Found",
    "fold",
    "book_for_page",
    "FORMULA",
    "Anatomy",
    "Mark",
    "anatomy",
    "dice",
    "random_prompt",
    "wand",
    "hint",
    "spoken",
    "Index",
    "Place",
]
