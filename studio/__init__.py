"""Spellbook Studio: from a prompt, a reference and a LoRA to a picture, in a browser."""

__version__ = "0.1.0"
