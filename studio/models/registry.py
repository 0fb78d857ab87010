"""One device's models: loaded when first wanted, never twice, by bytes, the longest unused going first.

All work shares it and nothing else holds weights. What is not needed on the device waits in the host's memory
as long as there is room; parts of the same content lie there once, whichever checkpoints name them.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch

from studio.errors import StudioError
from studio.forecast import forecast, weight
from studio.messages import DeviceState, Entry, Forecast, Held, ModelSpec, VaeSpec
from studio.models import kinds
from studio.models.beside import Beside, Nothing
from studio.models.converting import weights_of
from studio.models.devices import Device, available_memory
from studio.models.files import Stamps, stamps_of
from studio.models.modes import BY_ITSELF, MODES, WHOLE, Mode
from studio.models.parts import Part
from studio.models.peaks import Peaks
from studio.models.shelf import Shelf, give_back
from studio.weights import Hashes

log = logging.getLogger(__name__)
Spec = TypeVar("Spec", bound=Entry)


class Loader(Protocol):
    """What brings the parts of entries; the module `kinds` is one."""

    def plan(self, spec: Entry, source: Path, hashes: Hashes) -> tuple[Part, ...]: ...

    def load_weights(
        self, spec: Entry, source: Path, names: Collection[str], device: str, dtype: torch.dtype
    ) -> dict[str, Any]: ...

    def load_settings(self, spec: Entry, source: Path) -> dict[str, Any]: ...


@dataclass
class Loaded(Generic[Spec]):
    """An entry in memory: its parts by name, how it lies there, and a short name of its content."""

    spec: Spec
    parts: dict[str, Any]
    keys: dict[str, int]
    mode: Mode
    hash: str
    folder: Path
    device: str
    used: float = 0.0
    pins: int = 0
    resident: bool = True
    stamps: Stamps = ()
    """Of its files before they were read: with other ones it is another."""
    at_work: bool = False
    """A pipe has its parts in hand, and brings and takes them as its mode says."""

    @property
    def needs(self) -> dict[str, int]:
        """Its bytes on the device, by part."""
        return self.mode.needs(self.keys)

    @property
    def bytes(self) -> int:
        """What it weighs on the device."""
        return sum(self.needs.values())

    @property
    def is_changed(self) -> bool:
        """Whether its files are other ones than were read; what is gone is no other one."""
        now = stamps_of(self.folder)
        return bool(now) and now != self.stamps

    @property
    def device_keys(self) -> frozenset[str]:
        """The parts that have to lie on the device now."""
        return frozenset(self.keys) if self.resident and self.mode.on_device else frozenset()

    @contextlib.contextmanager
    def attached(self, pipe: Any) -> Iterator[None]:
        """Makes a pipe work the way this model lies in memory; undone at the end, whatever happens."""
        self.at_work = True
        try:
            with self.mode.attach(pipe, self.device):
                yield
        finally:
            self.at_work = False


@dataclass(frozen=True)
class _Chosen:
    """What there is of an entry, and how it would lie in memory; nothing of it is read."""

    source: Path
    stamps: Stamps
    mode: Mode
    plan: tuple[Part, ...]
    keys: dict[str, int]
    fit: Forecast


@dataclass(frozen=True)
class _Read:
    """An entry in the host's memory, not yet anybody's."""

    chosen: _Chosen
    weights: dict[str, Any]
    settings: dict[str, Any]


class Registry:
    """Leases models to work; loads, moves and lets go of them within the budgets."""

    def __init__(
        self,
        device: Device,
        data: Path,
        loader: Loader = kinds,
        on_change: Callable[[DeviceState], None] = lambda state: None,
        beside: Beside | None = None,
    ) -> None:
        self.device = device
        self._beside: Beside = beside or Nothing()
        self._data, self._loader, self._on_change = data, loader, on_change
        self._hashes, self._peaks = Hashes(data), Peaks(data)
        self._shelf = Shelf(device.name)
        self._models: dict[str, Loaded[Any]] = {}
        # One lock around looking up and loading: whoever waits for a load finds it done. Reading ahead lets go
        # of it; whoever wants that very model waits for the reading to end.
        self._lock = threading.Condition(threading.RLock())
        self._reading = ""
        self._measuring = False
        self._too_large: dict[str, Mode] = {}

    @property
    def data(self) -> Path:
        """The folder of what people bring and make."""
        return self._data

    # -- what is there ---------------------------------------------------------------------------

    def held(self) -> tuple[Held, ...]:
        """What is on the device now."""
        with self._lock:
            return tuple(_held(one, one.needs) for one in self._models.values() if one.resident)

    def state(self) -> DeviceState:
        """The device as the page shows it."""
        with self._lock:
            waiting = tuple(_held(one, one.keys) for one in self._models.values() if not one.resident)
        return self.device.state().model_copy(update={"held": self.held(), "host_held": waiting})

    def forecast(self, spec: Entry) -> Forecast:
        """What wanting a model would do."""
        with self._lock:
            model = self._models.get(name_of(spec))
            return self._fit(model.spec, model.mode, model.keys) if model else self._choose(spec).fit

    # -- leases ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def lease(
        self, spec: Spec, on_load: Callable[[], None] = lambda: None, measured: bool = True
    ) -> Iterator[Loaded[Spec]]:
        """The entry on the device, pinned for as long as the lease lasts; a model's before its helpers'.

        What the work takes is measured for the next time, unless that is told nothing by it.
        """
        # Work may ask in the middle of its own: what is brought then must not be bound to its mode.
        with torch.inference_mode(False), self._lock:
            model = self._ready(spec, on_load)
            self._beside.let_go(self._left(spec, model.mode, model.keys))
            model.used, model.pins = time.time(), model.pins + 1
            self._on_change(self.state())
        try:
            with self._measured(model) if measured else contextlib.nullcontext():
                yield model
        finally:
            with self._lock:
                model.used, model.pins = time.time(), model.pins - 1
                self._put_away()
                self._on_change(self.state())

    def room_beside(self, model: Loaded[Any], wanted: int) -> int:
        """How many bytes may lie beside the weights while a leased model works; for what is wanted others go."""
        with self._lock:
            name, parts = name_of(model.spec), model.needs | {"": wanted}
            peak = self._peaks.of(name, model.mode.name)
            self._make_room(forecast(self.held(), name, parts, self.device.budget, peak))
            return self._left(model.spec, model.mode, model.keys)

    def load(self, spec: Entry) -> None:
        """Brings a model though nobody paints with it yet."""
        with self._lock:
            self._ready(spec, lambda: None).used = time.time()
            self._on_change(self.state())

    def read_ahead(self, spec: Entry) -> None:
        """Reads a model that will be wanted next while another is painted with; nothing goes for it."""
        with self._lock:
            if name_of(spec) in self._models or self._reading or not self._fits_beside(spec):
                return
            self._reading = name_of(spec)
        read: _Read | None = None
        try:
            read = self._read(spec, self._choose(spec))
        except StudioError as error:
            log.info("%s was not read ahead: %s", spec.id, error)  # its own job will be told
        finally:
            with self._lock:
                self._reading = ""
                if read and self._still_fits(spec, read):
                    model = self._shelve(spec, read)
                    if self.device.is_host:
                        model.resident = True
                        self._shelf.move(model.device_keys, "device")
                    self._on_change(self.state())
                self._lock.notify_all()

    def unload(self, *ids: str) -> None:
        """Takes models out of all memory; none named: all. What work holds stays."""
        with self._lock:
            free = [(name, one.spec.id) for name, one in self._models.items() if not one.pins]
            self._drop(*(names[0] for names in free if not ids or set(names) & set(ids)))
            self._on_change(self.state())
        give_back()

    def shrink(self, spec: Entry) -> None:
        """A model whose work ran out of memory comes back in the next mode that needs less, where there is one."""
        name = name_of(spec)
        with self._lock:
            model = self._models.get(name)
            if model is not None and not model.pins:
                self._too_large[name] = model.mode
                self._drop(name)
        give_back()

    def unload_idle(self, seconds: float) -> None:
        """Takes out what nobody has used for so long."""
        with self._lock:
            idle = [name for name, one in self._models.items() if time.time() - one.used > seconds]
        if idle:
            self.unload(*idle)

    # -- bringing --------------------------------------------------------------------------------

    def _ready(self, spec: Entry, on_load: Callable[[], None]) -> Loaded[Any]:
        name = name_of(spec)
        if self._reading == name:
            on_load()
            self._lock.wait_for(lambda: self._reading != name)
        model = self._known(name)
        if model is None or self._has_outgrown(model):
            return self._bring(spec, on_load)
        if not model.resident:
            on_load()
            self._take_up(model, _admitted(spec, self._fit(spec, model.mode, model.keys)))
        return model

    def _known(self, name: str) -> Loaded[Any] | None:
        """What is held of that name; where its file is another one by now it goes, unless somebody works with it."""
        model = self._models.get(name)
        if model is None or model.pins or not model.is_changed:
            return model
        self._too_large.pop(name, None)
        self._drop(name)
        give_back()
        return None

    def _has_outgrown(self, model: Loaded[Any]) -> bool:
        """Whether one that waits no longer fits in its mode, and there are modes that need less."""
        if model.resident or model.mode is self._modes(model.spec)[-1]:
            return False
        return not self._fit(model.spec, model.mode, model.keys).fits

    def _bring(self, spec: Entry, on_load: Callable[[], None]) -> Loaded[Any]:
        # 1. What it is and how it fits, from headers alone: most of what can be wrong is told here.
        chosen = self._choose(spec)
        expected = _admitted(spec, chosen.fit)
        on_load()
        # 2. Read what is not there yet, into the host's memory: a failure leaves the device as it was.
        with self._room_to_read(expected, chosen.keys):
            read = self._read(spec, chosen)
        # 3. Only now is anything changed.
        model = self._shelve(spec, read)
        self._take_up(model, expected)
        return model

    def _take_up(self, model: Loaded[Any], expected: Forecast) -> None:
        """Makes one ready that waits in the host's memory; where that fails, there it stays."""
        model.resident = True
        try:
            self._make_room(expected)
            self._beside.let_go(self._left(model.spec, model.mode, model.keys))
            self._shelf.move(model.device_keys, "device")
        except BaseException:
            # Another program may have taken what the device seemed to have left.
            model.resident = False
            self._trim_host()
            self._put_away()
            give_back()
            raise

    def _read(self, spec: Entry, chosen: _Chosen) -> _Read:
        missing = [part.name for part in chosen.plan if part.key not in self._shelf]
        weights = self._loader.load_weights(spec, chosen.source, missing, "cpu", self.device.dtype)
        return _Read(chosen, weights, self._loader.load_settings(spec, chosen.source))

    def _shelve(self, spec: Entry, read: _Read) -> Loaded[Any]:
        """Takes on what was read; it waits in the host's memory."""
        chosen = read.chosen
        for part in chosen.plan:
            if part.key not in self._shelf:
                module = chosen.mode.cast(part.name, read.weights[part.name], self.device.dtype)
                self._shelf.add(part.key, module, "host")
        parts = read.settings | {part.name: self._shelf.get(part.key).module for part in chosen.plan}
        model = Loaded(
            spec,
            parts,
            chosen.keys,
            chosen.mode,
            _hash(chosen.plan),
            chosen.source,
            self.device.name,
            stamps=chosen.stamps,
            used=time.time(),
            resident=False,
        )
        self._models[name_of(spec)] = model
        return model

    def _still_fits(self, spec: Entry, read: _Read) -> bool:
        # Others came and went meanwhile, and with them perhaps a part that was shared.
        there = all(part.key in self._shelf or part.name in read.weights for part in read.chosen.plan)
        return there and name_of(spec) not in self._models and self._fits_beside(spec)

    def _fits_beside(self, spec: Entry) -> bool:
        """Whether there is room to read a model without anything having to go."""
        try:
            chosen = self._choose(spec)
        except StudioError:
            return False
        if self.device.is_host:
            needs = chosen.mode.needs(chosen.keys)
            spare = self.device.budget - weight(self.held(), needs) - self._beside.bytes
            return chosen.fit.fits and not chosen.fit.evicts and spare >= 0
        waiting = sum(sum(one.keys.values()) for one in self._models.values() if not one.resident)
        return waiting + sum(chosen.keys.values()) <= self.device.host_budget

    @contextlib.contextmanager
    def _room_to_read(self, expected: Forecast, wanted: Mapping[str, int]) -> Iterator[None]:
        """Where the host itself is short of memory, what has to go goes first, and comes back on a failure."""
        short = self._is_short(wanted)
        if short and self._beside.bytes:
            self._beside.let_go(0)
            give_back()
            short = self._is_short(wanted)
        gone = [self._models[id].spec for id in expected.evicts if id in self._models] if short else []
        if short:
            self._make_room(expected, wanted)
        try:
            yield
        except BaseException:
            for spec in gone:
                with contextlib.suppress(StudioError):
                    self._bring(spec, lambda: None)
            raise

    def _is_short(self, wanted: Mapping[str, int]) -> bool:
        return self.device.is_host and available_memory() < sum(wanted.values())

    def _choose(self, spec: Entry) -> _Chosen:
        """The first mode that fits, by the device's setting; where none does, the last one's shortage."""
        source = weights_of(spec, self._data)
        stamps = stamps_of(
            source
        )  # before anything is read of it: a file that changes meanwhile has others then
        found = self._loader.plan(spec, source, self._hashes)
        for mode in self._modes(spec):
            plan = tuple(replace(part, key=mode.key(part.name, part.key)) for part in found)
            keys = _bytes(plan, mode, self.device.dtype)
            fit = self._fit(spec, mode, keys)
            if fit.fits:
                break
        return _Chosen(source, stamps, mode, plan, keys, fit)

    def _fit(self, spec: Entry, mode: Mode, keys: Mapping[str, int]) -> Forecast:
        name, parts = name_of(spec), mode.needs(keys)
        # A peak is that of the largest picture so far. Where no mode needs less, smaller ones must not be refused.
        must = mode is not self._modes(spec)[-1]
        return forecast(
            self.held(), name, parts, self.device.budget, self._peaks.of(name, mode.name), must=must
        )

    def _left(self, spec: Entry, mode: Mode, keys: Mapping[str, int]) -> int:
        """What the budget leaves beside the weights while a model works."""
        taken = weight(self.held(), mode.needs(keys)) + self._peaks.of(name_of(spec), mode.name)
        return max(0, self.device.budget - taken)

    def _modes(self, spec: Entry) -> tuple[Mode, ...]:
        if not isinstance(spec, ModelSpec):
            return (WHOLE,)  # small, and the modes are those of a pipe
        if self.device.memory_mode != "auto":
            return (MODES[self.device.memory_mode],)
        modes = BY_ITSELF[:1] if self.device.is_host else BY_ITSELF
        passed = modes.index(self._too_large[name_of(spec)]) + 1 if name_of(spec) in self._too_large else 0
        return modes[passed:] or modes[-1:]

    # -- letting go ------------------------------------------------------------------------------

    def _make_room(self, expected: Forecast, wanted: Collection[str] = ()) -> None:
        """Moves what has to go into the host's memory, and out of that what has no room there."""
        for id in expected.evicts:
            if id in self._models:
                self._models[id].resident = False
        self._trim_host(wanted)
        self._put_away()
        if expected.evicts:  # collecting takes a third of a second beside torch, so only when it must be
            give_back()

    def _drop(self, *names: str) -> None:
        """Takes models out of all memory; what others share with them stays."""
        for name in names:
            del self._models[name]
        self._sweep()
        self._put_away()

    def _put_away(self) -> None:
        """Moves into the host's memory whatever no model needs on the device."""
        # A part can be of several models, of which one has it on the device and another only for its turn there.
        models = self._models.values()
        staying = {key for one in models for key in (one.keys if one.at_work else one.device_keys)}
        self._shelf.move(set(self._shelf) - staying, "host")

    def _trim_host(self, wanted: Collection[str] = ()) -> None:
        """The host keeps the most recently used; where the device is the host, nothing waits in it."""
        waiting = sorted(
            (one for one in self._models.values() if not one.resident), key=lambda one: -one.used
        )
        room = 0 if self.device.is_host else self.device.host_budget
        for model in waiting:
            room -= sum(model.keys.values())
            if room < 0:
                del self._models[name_of(model.spec)]
        self._sweep(wanted)

    def _sweep(self, wanted: Collection[str] = ()) -> None:
        used = {key for one in self._models.values() for key in one.keys}
        self._shelf.drop_all_but(used | set(wanted))

    # -- measuring -------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _measured(self, model: Loaded[Any]) -> Iterator[None]:
        """On a GPU, what the work of a lease took beside the weights is learned."""
        # The device counts one peak at a time: a lease within another's is part of that one's work.
        if torch.device(self.device.name).type != "cuda" or self._measuring:
            yield
            return
        torch.cuda.reset_peak_memory_stats(self.device.name)
        before, weights = torch.cuda.memory_allocated(self.device.name), self._shelf.bytes("device")
        beside = self._beside.bytes
        self._measuring = True
        try:
            yield
        finally:
            self._measuring = False
        # Only where all went well: what ran out of memory would tell how much there was, not how much it takes.
        counted = 0 if model.mode.on_device else model.bytes
        brought = max(0, self._shelf.bytes("device") - weights) + max(0, self._beside.bytes - beside)
        peak = torch.cuda.max_memory_allocated(self.device.name) - before - counted - brought
        self._peaks.learn(name_of(model.spec), model.mode.name, peak)


def name_of(spec: Entry) -> str:
    """Under which name an entry is held; a person's own VAE is scaled by the family it is used in."""
    return f"{spec.id}:{spec.families[0]}" if isinstance(spec, VaeSpec) and spec.own else spec.id


def _held(model: Loaded[Any], parts: Mapping[str, int]) -> Held:
    return Held(
        model=name_of(model.spec),
        title=model.spec.title,
        parts=dict(parts),
        pinned=model.pins > 0,
        used=model.used,
        mode=model.mode.name,
    )


def _bytes(plan: tuple[Part, ...], mode: Mode, dtype: torch.dtype) -> dict[str, int]:
    return {part.key: part.elements * _itemsize(part, mode, dtype) for part in plan}


def _itemsize(part: Part, mode: Mode, dtype: torch.dtype) -> int:
    # A decoder that overflows in half precision is kept in full; an upscaler has types of its own.
    return mode.itemsize(part.name, part.dtype(dtype))


def _admitted(spec: Entry, fit: Forecast) -> Forecast:
    if not fit.fits:
        raise StudioError("memory_budget", model=spec.title.en, needs=_gb(fit.needs), has=_gb(fit.has))
    return fit


def _hash(plan: tuple[Part, ...]) -> str:
    """A short name of a checkpoint's content, ten digits, as other tools show one."""
    digest = hashlib.sha256("".join(sorted(part.key for part in plan)).encode())
    return digest.hexdigest()[:10]


def _gb(size: int) -> float:
    return round(size / 2**30, 2)
