"""How a LoRA learns on a leased model: what it is, what it is shown, how far off it is, one step after the other."""
