"""The small text-to-image model in the box: its drawn world, its training, its weights."""
