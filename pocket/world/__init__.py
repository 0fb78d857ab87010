"""The drawn world: endless pictures with their full truth. Needs only numpy and Pillow."""

from pocket.world.drawing import Picture, draw
from pocket.world.sampling import is_held_out, sample
from pocket.world.scene import Scene, Thing
from pocket.world.subjects import SUBJECTS

__all__ = ["SUBJECTS", "Picture", "Scene", "Thing", "draw", "is_held_out", "sample"]
