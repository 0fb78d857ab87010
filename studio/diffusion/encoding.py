"""Turns prompts into what a denoiser reads: windows, weights, blends, embeddings and clip skip.

Windows, weights and clip skip follow AUTOMATIC1111's studio, because that is what prompts and the cards of models
are written for:
- a weight multiplies what the encoder says of a token; then the mean of the window is put back to what it was,
  where the encoder has a mean to speak of;
- clip skip counts layers from the last, which is 1, and holds for the prompt and its opposite alike. The first two
  families end it with the encoder's final norm. XL was trained on the layer before the last, unnormed: 1 and 2
  both mean that one, 3 the layer before it;
- what a prompt says as a whole, which XL reads too, is what the first window says, without weights.
A prompt without any of this that fits one window gives what the library's own encoding gives, bit for bit.
"""

# By hand, window by window: the library cuts prompts at the first window and knows no weights, and the one that
# does both (compel) weighs in another way.

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from studio.diffusion.adapters import texts_key
from studio.diffusion.embeddings import read_embeddings
from studio.diffusion.families import Painter, guided
from studio.diffusion.text_cache import Key, TextCache
from studio.errors import StudioError
from studio.families import FAMILIES, Family
from studio.messages import EmbeddingUse, GenerationRequest
from studio.models.registry import Loaded
from studio.prompt import Phrase, Prompt, Window, cut, embeddings_in, parse, refusal

KEPT_BYTES = 64 * 2**20
CACHE = TextCache(KEPT_BYTES)
"""Of the process that holds the registry; the weights may move meanwhile, what they said stays true."""

SLIGHT = 0.02
"""A mean below this share of a window's numbers is chance; the pocket's is 0.003 to 0.008."""


@dataclass(frozen=True)
class Said:
    """What text encoders say of a prompt: token by token, and as a whole where one of them can."""

    tokens: Tensor
    whole: Tensor | None = None


Read = Callable[[Any, Tensor, int], Said]


def encoded(
    model: Loaded[Any],
    painter: Painter,
    pipe: Any,
    request: GenerationRequest,
    device: str,
    cache: TextCache = CACHE,
) -> dict[str, Any]:
    """What the painter's pipeline is told of the request's prompts; kept for the next picture of the same words.

    Whatever else changes what an encoder says while it is leased must become a part of the key.
    """
    key = _key(model, pipe, request, device)
    kept = cache.get(key, device) if key else None
    if kept is not None:
        return kept
    texts = painter.encode(pipe, request, device)
    if key:
        cache.put(key, texts)
    return texts


def _key(model: Loaded[Any], pipe: Any, request: GenerationRequest, device: str) -> Key | None:
    if not model.keys:  # nothing tells its content from another's
        return None
    # A tokenizer is no part with a key of its own, so the checkpoint is named beside its content.
    content = (model.spec.id, model.spec.family, str(model.folder), model.hash, *sorted(model.keys))
    place = (device, str(pipe.text_encoder.dtype))
    negative = request.negative if guided(pipe, request) else None
    embeddings = tuple((use.name, *_stamp(use)) for use in request.embeddings)
    loras = texts_key(request.loras)
    return (*content, *place, request.prompt, negative, request.clip_skip, loras, *embeddings)


def _stamp(use: EmbeddingUse) -> tuple[object, ...]:
    path = Path(use.path)
    if use.sha256 or not path.is_file():
        return (use.path, use.sha256)
    return (use.path, path.stat().st_size, path.stat().st_mtime_ns)


def plain(text: str) -> str:
    """The words of a prompt, for a family that knows nothing of weights and windows."""
    _check(text)
    return parse(text).plain


# -- encoders that read windows -------------------------------------------------------------------


@dataclass(frozen=True)
class Reader:
    """A text encoder with its tokenizer, how its layers are read, and the embeddings it is given."""

    tokenizer: Any
    encoder: Any
    read: Read
    embeddings: Mapping[str, Tensor]

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, without marks."""
        given = self.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
        return list(given.input_ids)

    def windows(self, phrase: Phrase, size: int) -> tuple[Window, ...]:
        """The phrase as this encoder will read it."""
        return cut(phrase, self.ids, size, {name: len(rows) for name, rows in self.embeddings.items()})

    def marked(self, window: Window, size: int) -> list[int]:
        """A window with its marks, filled up as the model was trained."""
        known = self.tokenizer
        # What stands where a vector will be must not be taken for the end of the sentence.
        stand_in = int(known.eos_token_id == 0)
        ids = [stand_in if place.embedding else place.id for place in window]
        filling = [known.pad_token_id] * (size - len(ids))
        return [known.bos_token_id, *ids, known.eos_token_id, *filling]


@torch.no_grad()
def say(
    family: Family,
    encoders: Sequence[tuple[Any, Any]],
    read: Read,
    texts: Sequence[str],
    request: GenerationRequest,
    device: str,
) -> list[Said]:
    """What the encoders, each with its tokenizer, say of each text; all are made as long as the longest."""
    _check_clip_skip(encoders, request.clip_skip)
    for text in texts:
        _check(text)
    readers = _readers(family, encoders, read, texts, request.embeddings)
    prompts = [parse(text) for text in texts]
    frame = _Frame(family.window, _longest(readers, prompts, family.window), request.clip_skip, device)
    return [_say(prompt, readers, frame) for prompt in prompts]


def _longest(readers: Sequence[Reader], prompts: Sequence[Prompt], size: int) -> int:
    phrases = [phrase for prompt in prompts for phrase in prompt.phrases]
    return max(len(reader.windows(phrase, size)) for reader in readers for phrase in phrases)


def _check(text: str) -> None:
    if refused := refusal(text):
        raise StudioError(refused.code, **refused.params)


def _check_clip_skip(encoders: Sequence[tuple[Any, Any]], skip: int) -> None:
    most = min(encoder.config.num_hidden_layers for _, encoder in encoders)
    if skip > most:
        raise StudioError("clip_skip_out_of_range", value=skip, least=1, most=most)


def _readers(
    family: Family,
    encoders: Sequence[tuple[Any, Any]],
    read: Read,
    texts: Sequence[str],
    uses: Sequence[EmbeddingUse],
) -> list[Reader]:
    named = {name for text in texts for name in embeddings_in(text, [use.name for use in uses])}
    known = read_embeddings(
        [use for use in uses if use.name in named], [encoder for _, encoder in encoders], family
    )
    return [
        Reader(tokenizer, encoder, read, rows)
        for (tokenizer, encoder), rows in zip(encoders, known, strict=True)
    ]


@dataclass(frozen=True)
class _Frame:
    """What all texts of one request are fitted into."""

    size: int
    count: int
    clip_skip: int
    device: str


def _say(prompt: Prompt, readers: Sequence[Reader], frame: _Frame) -> Said:
    """One prompt through all encoders: their numbers side by side, phrases mixed by their shares."""
    phrases = [[_read_phrase(reader, phrase, frame) for reader in readers] for phrase in prompt.phrases]
    kind = {"dtype": readers[-1].encoder.dtype, "device": frame.device}
    tokens = [torch.cat([said.tokens for said in row], dim=-1).to(**kind) for row in phrases]
    wholes = [said.whole.to(**kind) for row in phrases for said in row if said.whole is not None]
    shares = prompt.shares
    return Said(_mixed(tokens, shares), _mixed(wholes, shares) if wholes else None)


def _mixed(parts: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    mixed = sum(part.float() * share for part, share in zip(parts, shares, strict=True))
    return torch.as_tensor(mixed).to(parts[0].dtype)


def _read_phrase(reader: Reader, phrase: Phrase, frame: _Frame) -> Said:
    windows = reader.windows(phrase, frame.size)
    # Each alone: encoders sum in another order when windows lie beside each other.
    said = [_read_window(reader, window, frame) for window in windows]
    if len(windows) < frame.count:
        said += [_read_window(reader, (), frame)] * (frame.count - len(windows))
    return Said(torch.cat([one.tokens for one in said], dim=1), said[0].whole)


def _read_window(reader: Reader, window: Window, frame: _Frame) -> Said:
    ids = torch.tensor([reader.marked(window, frame.size)], device=frame.device)
    with _embedded(reader, window):
        said = reader.read(reader.encoder, ids, frame.clip_skip)
    return Said(_weighed(said.tokens, window), said.whole)


def _weighed(tokens: Tensor, window: Window) -> Tensor:
    if all(place.weight == 1 for place in window):
        return tokens
    weights = torch.ones(tokens.shape[1], 1, device=tokens.device)
    weights[1 : 1 + len(window), 0] = torch.tensor([place.weight for place in window], device=tokens.device)
    wide = tokens.float()
    weighed = wide * weights
    # Next to no mean says nothing: to divide by it would scale the window at random, or turn it round.
    restored = weighed * (wide.mean() / weighed.mean()) if _has_mean(wide) and _has_mean(weighed) else weighed
    return restored.to(tokens.dtype)


def _has_mean(numbers: Tensor) -> bool:
    return bool(numbers.mean().abs() > SLIGHT * numbers.abs().mean())


@contextlib.contextmanager
def _embedded(reader: Reader, window: Window) -> Iterator[None]:
    """Puts the embeddings' vectors where the window has a place for them, while it is read."""
    rows = {
        at: reader.embeddings[place.embedding][place.row]
        for at, place in enumerate(window, 1)
        if place.embedding
    }

    def put_in(_module: Any, _given: Any, output: Tensor) -> Tensor:
        output = output.clone()
        for at, row in rows.items():
            output[:, at] = row.to(output)
        return output

    # The library adds words to the tokenizer and rows to the table, which all who share the model would see, and
    # leaves some of them behind when it takes them out.
    hook = reader.encoder.get_input_embeddings().register_forward_hook(put_in) if rows else None
    try:
        yield
    finally:
        if hook:
            hook.remove()


# -- layers ---------------------------------------------------------------------------------------


def normed_layer(encoder: Any, ids: Tensor, skip: int) -> Said:
    """How the first two families read: a layer counted from the last, through the final norm."""
    with _ending_at(encoder, skip):
        return Said(encoder(ids)[0])


@contextlib.contextmanager
def _ending_at(encoder: Any, skip: int) -> Iterator[None]:
    """The final norm is given what an earlier layer said.

    Inside the encoder's own pass: a norm that is called apart from it may find its weights elsewhere, where parts
    or layers take turns on the device.
    """
    if skip == 1:
        yield
        return
    body = getattr(encoder, "text_model", encoder)
    said: dict[str, Tensor] = {}
    hooks = [
        body.encoder.layers[-skip].register_forward_hook(lambda _, given, output: said.update(last=output)),
        body.final_layer_norm.register_forward_pre_hook(lambda _, given: (said["last"],)),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def unnormed_layer(encoder: Any, ids: Tensor, skip: int) -> Said:
    """How XL reads: the layer before the last, or an earlier one, and the prompt as a whole."""
    said = encoder(ids, output_hidden_states=True)
    # The first of the two encoders has no word for the whole.
    return Said(said.hidden_states[-max(skip, 2)], said[0] if said[0].ndim == 2 else None)


# -- what is cut ----------------------------------------------------------------------------------


def tokens_cut(model: Loaded[Any], text: str) -> int:
    """How many tokens of a text the model does not read; families with windows for all read on."""
    family = FAMILIES[model.spec.family]
    if family.long_prompts or model.parts.get("tokenizer_3"):  # T5 reads on where the others stop
        return 0
    reader = Reader(model.parts["tokenizer"], None, unnormed_layer, {})
    return max(0, len(reader.ids(parse(text).plain)) - family.window)
