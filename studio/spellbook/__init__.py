"""The spellbook: phrases to click instead of phrases to remember, read from presets/."""

from studio.spellbook.anatomy import Anatomy, Mark, anatomy
from studio.spellbook.book import (
    FORMULA,
    PARTS,
    SLOT,
    Chapter,
    Element,
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
from studio.spellbook.page import book_for_page, own_for_page
from studio.spellbook.personal import (
    KINDS,
    OwnItem,
    OwnScene,
    OwnSpell,
    OwnStyle,
    PersonalBook,
    Said,
    checked,
)
from studio.spellbook.reading import PRESETS, read_spellbook
from studio.spellbook.sayings import Sayings
from studio.spellbook.shelf import Imported, Shelf
from studio.spellbook.translating import Stretch, Translated, Translator, as_written, unread

__all__ = [
    "OwnItem",
    "OwnSpell",
    "OwnStyle",
    "OwnScene",
    "PersonalBook",
    "Said",
    "checked",
    "Shelf",
    "Imported",
    "Translated",
    "Stretch",
    "Translator",
    "Sayings",
    "as_written",
    "unread",
    "Spellbook",
    "Chapter",
    "Element",
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
    "own_for_page",
    "KINDS",
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
