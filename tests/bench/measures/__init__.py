"""One file a subject; every module here is imported by the harness and registers its measures."""
