"""What goes together in a picture: which spells suit which kind of subject, and which words exclude each other."""

# A table by hand: the book says what a spell is, not what it makes sense beside. It names chapters and groups by id,
# and single spells by their English text; a test holds it against the book.

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from studio.spellbook.book import Element
from studio.spellbook.index import Place

Kind = Literal["person", "animal", "plant", "building", "vehicle", "food", "thing", "landscape", "any"]
Sources = tuple[str, ...]

SUBJECTS: Mapping[Kind, tuple[float, Sources]] = {
    "person": (3, ("person/who", "role")),
    "animal": (3, ("animals", "mythical")),
    "plant": (1, ("plants",)),
    "building": (1, ("buildings",)),
    "vehicle": (1, ("vehicles",)),
    "food": (1, ("food",)),
    "thing": (1, ("things",)),
    "landscape": (2, ("landscapes",)),
}
"""How often a whole random prompt is about what, and where its subject comes from."""

CHANCES: Mapping[Element, float] = {
    "medium": 0.85,
    "subject": 1.0,
    "detail": 0.6,
    "action": 0.75,
    "place": 0.85,
    "colour": 0.55,
    "light": 0.85,
    "framing": 0.55,
    "style": 0.5,
    "clarity": 0.6,
}
"""How likely an element is in a whole random prompt: with all ten every time, none would stand out."""

GENERAL: Mapping[Element, Sources] = {
    "medium": ("medium",),
    "detail": ("detail/finds",),
    "place": ("place/backdrop", "place/nature", "place/season"),
    "colour": ("colour/scheme", "colour/strength"),
    "light": ("light/quality", "light/hour", "light/source"),
    "framing": ("framing/distance", "framing/angle", "framing/composition"),
    "style": ("style",),
    "clarity": ("clarity/quality", "clarity/detail", "clarity/sharpness"),
}
"""What suits a subject that nothing more is known of; what is not named here would be a guess."""

WIDE = ("rule of thirds", "long shot", "vast panorama", "high angle view", "layered depth", "leading lines",
        "small figure in a vast scene", "generous empty space", "foreground framing")  # fmt: skip
SKIES = ("light/hour", "light/quality", "moonlight", "starlight", "warm sunlight", "god rays")
OUTDOORS = ("place/nature", "place/season")
TABLES = ("place/backdrop", "marble tabletop", "rustic wooden table")

SUITED: Mapping[Kind, Mapping[Element, Sources]] = {
    "person": {
        "detail": ("hair/hair-colour", "hair/hair-length", "clothing/main-garment", "expression/joy",
                   "expression/quiet", "ornaments/hats", "ornaments/eyewear"),
        "action": ("character-action", "pose/whole-body", "pose/arms", "pose/head"),
        "place": ("environment", "place"),
    },
    "animal": {
        "action": ("curled up asleep", "stretching lazily", "sitting", "looking up at the sky",
                   "looking at the viewer"),
        "place": ("place/nature", "place/season", "place/backdrop"),
    },
    "plant": {
        "action": ("swaying in the breeze", "bursting into bloom"),
        "place": (*OUTDOORS, "place/backdrop"),
    },
    "building": {
        "detail": ("climbing vines", "drifting petals", "rising steam", "long shadow", "scattered fallen leaves"),
        "action": ("snow falling softly", "leaves falling", "clouds racing by", "stars wheeling overhead"),
        "place": OUTDOORS,
        "light": (*SKIES, "light of distant windows"),
        "framing": (*WIDE, "low angle view", "perfect symmetry", "one-point perspective"),
    },
    "vehicle": {
        "detail": ("curling smoke", "long shadow", "polished metal", "cracked paint", "rust"),
        "action": ("speeding along", "crossing a bridge"),
        "place": ("city", "desert", "city skyline at the horizon", "autumn woods", "place/season"),
        "light": (*SKIES, "neon", "street lamp glow"),
        "framing": (*WIDE, "low angle view", "side view", "three-quarter view"),
    },
    "food": {
        "detail": ("rising steam", "water droplets"),
        "action": ("freshly sliced open", "stacked into a tower"),
        "place": TABLES,
        "light": ("soft light", "window light", "side light", "studio lighting", "early morning sun"),
        "framing": ("close-up", "straight from above", "three-quarter view", "centred", "one corner composition"),
    },
    "thing": {
        "detail": ("detail/pattern", "detail/surface"),
        "action": ("floating weightless", "glowing from within"),
        "place": TABLES,
        "light": ("light/quality", "light/direction", "candlelight", "studio lighting"),
        "framing": ("close-up", "centred", "three-quarter view", "generous empty space", "one corner composition"),
    },
    "landscape": {
        "detail": ("drifting petals", "ripples", "red seal stamp"),
        "action": ("mist rising from the valley", "clouds racing by", "stars wheeling overhead", "snow falling softly"),
        "place": ("place/season",),
        "light": SKIES,
        "framing": (*WIDE, "S-curve composition", "bird's-eye view"),
    },
}  # fmt: skip
"""What suits a subject of a kind better than the general."""

SUITED_GROUPS: Mapping[str, Mapping[Element, Sources]] = {
    "animals/birds": {
        "action": ("spreading its wings", "soaring high", "perched on a branch"),
        "place": ("forest", "bamboo forest", "cherry tree avenue", "place/season"),
    },
    "animals/water": {
        "action": ("swimming in circles", "leaping out of the water"),
        "place": ("sea", "bottom of the sea", "plain background"),
    },
    "animals/small": {
        "action": ("perched on a branch", "fluttering in the wind"),
        "place": ("meadow", "field of flowers", "vegetable garden", "orchard"),
    },
    "animals/pets": {
        "place": ("meadow", "cosy living room", "sunny kitchen", "place/backdrop", "place/season")
    },
    "food/drinks": {"action": (), "detail": ("rising steam", "bubbles")},
    "things/worn": {"action": (), "place": TABLES},
    "things/tools": {"action": ("glowing from within",)},
    "landscapes/sky": {
        "action": (),
        "detail": (),
        "place": ("sea", "mountaintop above the clouds", "desert"),
    },
    "vehicles/water": {
        "action": ("sailing into the wind", "drifting downstream"),
        "place": ("sea", "riverbank", "harbour with boats"),
        "detail": ("ripples", "sea foam"),
    },
    "vehicles/air": {
        "action": ("taking off", "landing softly"),
        "place": ("night sky", "clear blue sky", "mountaintop above the clouds"),
        "detail": ("curling smoke",),
    },
}
"""What suits the subjects of a group better than their kind."""

STYLES: Mapping[str, Sources] = {
    "medium/chinese": ("style/chinese",),
    "medium/painting": ("style/west", "modern guofeng style"),
    "medium/print": ("style/chinese", "Art Deco", "Constructivism", "Minimalism"),
    "medium/sculpture": ("kawaii style", "fairy tale style", "Art Deco", "steampunk style"),
    "medium/photography": ("photorealistic", "film noir style", "cyberpunk style", "Minimalism"),
}
"""Which styles a medium can carry; others take those of today."""
STYLES_OF_TODAY: Sources = ("style/today",)

PERSONAL = {"accurate anatomy", "well-drawn hands", "clear facial features", "head and shoulders", "bust shot",
            "half-length shot", "cowboy shot", "over-the-shoulder view", "screen glow on the face", "ring light",
            "on-camera flash", "photo portrait"}  # fmt: skip
"""Only for pictures of people."""
PECULIAR = {"character turnaround sheet", "exploded view", "knolling arrangement", "split into panels",
            "cross-section view", "first-person view", "tilted horizon", "isometric view",
            "pattern seen from above", "shifting perspective", "infographic",
            "four-panel comic strip", "comic book page", "technical blueprint", "flat icon", "logo design",
            "food photograph", "product photograph", "architectural photograph", "wildlife photograph",
            "astrophotography", "botanical illustration", "creatures of the Classic of Mountains and Seas",
            "bottom of the sea", "solid black background", "painted theatre backdrop"}  # fmt: skip
"""Good where somebody wants just that; by chance they seldom make sense, but where they are named above."""

_NIGHT = "night midnight moonlight moon starlight stars star firefly firefly lantern neon"
_CLASHES = (
    (_NIGHT, "noon sunlight sunlit sunny sun day dawn morning afternoon sunset golden clear rainbow"),
    (
        "underwater swimming sea reef",
        "fire fireplace firelight candlelight candle desert snow blizzard curled",
    ),
    (
        "snow winter blizzard tundra iceberg icebergs snow-capped",
        "summer midsummer spring autumn desert jungle",
    ),
    ("snow winter blizzard", "sandy tropical flowers petals bloom wheat"),
    ("spring", "autumn summer midsummer"),
    ("summer midsummer", "autumn winter"),
    ("rain drizzle rainy thunderstorm", "clear noon sunny starlight desert"),
    ("fog", "clear noon"),
    ("thunderstorm blizzard overcast fog", "sunlight sun starlight moonlight golden stars"),
    ("leaves", "spring midsummer"),
    (
        "studio softbox stage spotlight screen ring flash",
        "forest meadow sea beach desert jungle snow field garden orchard avenue riverbank mountaintop steppe tundra"
        " woods sky city street lane alley",
    ),
    (
        "ink charcoal pencil sepia chalk cyanotype one-colour line greys",
        "rainbow vivid neon iridescent candy jewel true-to-life",
    ),
    ("ink charcoal pencil chalk line", "3d render 8k 4k realistic photorealistic"),
    ("sleep asleep sleeping eyes-closed", "running jumping laughing looking"),
    ("background backdrop", "vast panorama small"),
    ("silhouette", "face facial"),
    ("high-key", "night midnight low-key chiaroscuro"),
)
"""Words of which the left do not go with the right."""


@lru_cache(maxsize=8192)
def _words(text: str) -> frozenset[str]:
    text = text.casefold()
    return frozenset(re.findall(r"[a-z0-9]+", text)) | frozenset(re.findall(r"[a-z0-9-]+", text))


_PAIRS = tuple((frozenset(one.split()), frozenset(other.split())) for one, other in _CLASHES)


def clash(one: Place, other: Place) -> bool:
    """Whether two spells do not go together."""
    if one.group is other.group and one.group.one:
        return True
    left, right = _words(one.spell.en), _words(other.spell.en)
    return any((left & a and right & b) or (left & b and right & a) for a, b in _PAIRS)


def kind_of(place: Place) -> Kind:
    """What kind of subject a spell is."""
    chapters: dict[str, Kind] = {
        source.partition("/")[0]: kind for kind, (_, sources) in SUBJECTS.items() for source in sources
    }
    return "person" if place.chapter.part == "character" else chapters.get(place.chapter.id, "any")


def suited(element: Element, kind: Kind, subject: Place | None, medium: Place | None) -> Sources:
    """Where a spell for an element may come from beside a subject and a medium."""
    if element == "style" and medium:
        return STYLES.get(_group(medium), STYLES_OF_TODAY)
    closest = SUITED_GROUPS.get(_group(subject), {}) if subject else {}
    of_kind = SUITED.get(kind, {})
    return closest.get(element, of_kind.get(element, GENERAL.get(element, ())))


def _group(place: Place) -> str:
    return f"{place.chapter.id}/{place.group.id}"
