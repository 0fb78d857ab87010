"""What every test relies on: nothing leaves the machine, and nobody's studio settings leak in."""

from __future__ import annotations

import os

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
for _name in [name for name in os.environ if name.startswith("STUDIO_") or name == "SPACE_ID"]:
    del os.environ[_name]
