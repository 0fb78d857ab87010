"""The rack: what of the studio is about LoRAs and embeddings. What each is stands in `loras`; here they are kept."""

from studio.rack.rack import Rack

__all__ = ["Rack"]
