"""The one door: all that a surface can do, for one person at a time."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from functools import cached_property, lru_cache
from pathlib import Path

from studio.catalog import Catalog, source_path
from studio.controls import CONTROLS, Choice, chosen
from studio.desk import Desk
from studio.downloads import Downloads, Errands
from studio.engine import Engine
from studio.errors import StudioError, check_admin
from studio.families import FAMILIES, MOST_LAYERS
from studio.gallery import Gallery
from studio.inputs import Inputs
from studio.jobs import Captions, Forgetting, JobBook, Trainings, new_id
from studio.jobs.records import JobRecords
from studio.limits import (
    Around,
    draft_of,
    expanded,
    lora_remarks,
    resolve,
    style_remarks,
    unsettled,
)
from studio.maps import Maps
from studio.messages import (
    Answered,
    AnyEvent,
    AnyRequest,
    ControlState,
    ControlUnit,
    DetectorSpec,
    DetectRequest,
    DeviceState,
    Draft,
    EmbeddingUse,
    Failed,
    Input,
    Job,
    Language,
    LoraUse,
    ModelPlace,
    ModelSpec,
    ModelState,
    PartState,
    Person,
    Picture,
    TokenCount,
    TranslateRequest,
    TranslatorSpec,
    TranslatorState,
    Trouble,
    UpscalerSpec,
    VaeSpec,
)
from studio.own import Library, Own
from studio.pace import Pace
from studio.people import People
from studio.places import entry_bytes, layers_of, part_state, state_of
from studio.prompt import (
    Texts,
    count_tokens,
    embeddings_in,
    language_for,
    names_pattern,
    only_language,
    remarks,
    wildcard_remarks,
)
from studio.rack import Rack
from studio.references import control_state
from studio.settings import Settings
from studio.spellbook import Sayings, Translated, Translator, as_written, unread
from studio.weights import Hashes


class Studio(Desk, Rack, Trainings, Captions):
    """Pages and APIs call this and nothing else."""

    def __init__(self, settings: Settings, catalog: Catalog, engine: Engine) -> None:
        super().__init__(settings.data)
        self.settings = settings
        self._own = Own(settings)
        self.library = Library(catalog, self._own)
        self._engine = engine
        self._downloads = Downloads(settings, self.library)
        self._errands = Errands(self._downloads.fetch)
        self._gallery = Gallery(settings.data)
        self._inputs = Inputs(settings.data)
        self._maps = Maps(settings.data)
        self._hashes = Hashes(settings.data)
        self._pace = Pace(settings.data)
        self._people = People(settings)
        self._sayings = Sayings()
        self.open_rack()
        self.open_trainings()
        records = JobRecords(settings.data)
        self._book = JobBook(
            engine, self.library, self._gallery, records, self._pace, self._downloads, self._diaries
        )
        days = settings.inputs_days
        self._forgetting = Forgetting(days, self._inputs, self._maps, self._gallery, self._book)

    def start(self) -> None:
        """Opens the index, reads the records, starts the workers; returns at once."""
        self.open_book()
        self._own.prepare()
        self._gallery.start()
        self._pace.start()
        self._engine.start()
        self._book.start()
        self.forget_old_trainings()
        self._forgetting.start()

    def close(self) -> None:
        """Ends the workers; what was under way can be resumed after the next start."""
        self._forgetting.close()
        self._errands.stop_all()
        self._book.close()
        self._engine.close()
        self._book.join()
        self.close_trainings()

    # -- people ----------------------------------------------------------------------------------

    def person(self, cookie: str | None, language: Language) -> Person:
        """Who a cookie belongs to."""
        return self._people.who(cookie, language)

    def welcome(self, cookie: str | None) -> str | None:
        """A signed cookie for a newcomer; None for whoever needs none."""
        return self._people.welcome(cookie)

    def goes_by(self, host: str) -> bool:
        """Whether the studio may be asked under a name, as a request's `Host` gives it."""
        return self._people.goes_by(host)

    # -- models ----------------------------------------------------------------------------------

    def models(self, person: Person) -> tuple[ModelState, ...]:
        """All models with where they are now; the first is the default."""
        devices, troubles = self._engine.devices(), self._engine.troubles()
        gpu = any(device.ready and not device.name.startswith("cpu") for device in devices)
        default = self.library.default_for(gpu)
        states = [
            self._with_errand(
                state_of(spec, self.settings.data, devices, troubles, self._downloads.needed(spec))
            )
            for spec in self.library.specs.values()
        ]
        # What cannot be had stands behind whatever can, were it the default of the catalog.
        return tuple(sorted(states, key=lambda state: (state.place == "missing", state.spec != default)))

    def _with_errand(self, state: ModelState) -> ModelState:
        fetching, trouble = self._errands.under_way(state.spec.id), self._errands.trouble(state.spec.id)
        told = {"fetching": fetching, "trouble": state.trouble or trouble}
        return state.model_copy(update=told) if state.place == "hub" else state

    def refused(self, person: Person) -> tuple[tuple[str, Trouble], ...]:
        """Files in the folders of models that are not used, and why; names of files are the admin's to see."""
        check_admin(person)
        return tuple((one.name, one.trouble) for one in self.library.refused)

    def vaes(self, model: str) -> tuple[PartState, ...]:
        """The VAEs that fit a model, with where they are now."""
        return self._parts(self.library.vaes_for(model))

    def upscalers(self) -> tuple[PartState, ...]:
        """The learned upscalers, with where they are now."""
        return self._parts(self.library.upscalers.values())

    def controls(self, model: str) -> tuple[ControlState, ...]:
        """The kinds of references: what follows them on a model, and what takes their maps."""
        spec, library, devices = self.library.spec(model), self.library, self._engine.devices()
        nets, detectors = library.controls.values(), library.detectors

        def state_of(one: DetectorSpec) -> PartState:
            return self._part(one, devices)

        return tuple(control_state(one, spec, nets, detectors, state_of) for one in CONTROLS.values())

    def _place_of(self, one: DetectorSpec) -> ModelPlace:
        return self._part(one, self._engine.devices()).place

    def _part(self, one: DetectorSpec, devices: Iterable[DeviceState]) -> PartState:
        return part_state(one, self.settings.data, devices, self._downloads.needed(one))

    async def detect(self, unit: ControlUnit, person: Person) -> Input:
        """The map of a reference, to be seen before anything is painted; one that was taken before is at hand."""
        size = self._inputs.size(unit.picture)
        if unit.map:
            return Input(picture=unit.picture, size=size)
        choice = chosen(unit, self.library.detectors, self._place_of)
        return self._maps.find(unit, choice) or await self._detected(unit, choice, person)

    async def _detected(self, unit: ControlUnit, choice: Choice, person: Person) -> Input:
        id, unit = new_id(time.time()), unit.model_copy(update={"detector": choice.id})
        entry, beside = (choice.entries[0], choice.entries[1:]) if choice.entry else ("", ())
        request = DetectRequest(id=f"{id}-1", job=id, person=person.id, unit=unit, entry=entry, beside=beside)
        answered = await self._answer(request, person)
        assert answered.input
        return answered.input

    def _parts(self, specs: Iterable[VaeSpec | UpscalerSpec]) -> tuple[PartState, ...]:
        devices, data = self._engine.devices(), self.settings.data
        return tuple(part_state(spec, data, devices, self._downloads.needed(spec)) for spec in specs)

    def count_tokens(self, model: str, text: str) -> TokenCount:
        """How much of a model's window a text takes."""
        spec = self.library.spec(model)
        family, here = FAMILIES[spec.family], not self._downloads.needed(spec)
        source = source_path(spec, self.settings.data) if here else None
        return count_tokens(source, text, family.window, long_prompts=family.long_prompts)

    def devices(self, person: Person) -> tuple[DeviceState, ...]:
        """The devices with their budgets and what they hold."""
        return self._engine.devices()

    def load(self, model: str, person: Person) -> None:
        """Brings a model to a device in the background, fetching it first where it is not here; admins alone may."""
        check_admin(person)
        spec = self.library.spec(model)
        if self._downloads.needed(spec):
            self._errands.go(spec, lambda: self._engine.load(spec))
        else:
            self._engine.load(spec)

    def stop_fetching(self, model: str, person: Person) -> None:
        """Lets go of a download that `load` began; what came stays for the next time."""
        check_admin(person)
        self._errands.stop(model)

    def unload(self, model: str, person: Person) -> None:
        """Takes a model out of memory once nobody paints with it; admins alone may."""
        check_admin(person)
        self._engine.unload((model,))

    def unload_all(self, person: Person) -> None:
        """Takes every model out of memory that nobody paints with; admins alone may."""
        check_admin(person)
        self._engine.unload()

    # -- jobs ------------------------------------------------------------------------------------

    def submit(self, draft: Draft, person: Person) -> str:
        """Takes a draft on as a job, or says what is wrong with it."""
        spec = self.library.spec(draft.model)
        created = time.time()
        id = new_id(created)
        requests = resolve(draft, spec, id, person, self._around(spec, person))
        self._check_here(requests)
        self._book.submit(Job(id=id, person=person.id, draft=draft, requests=requests, created=created))
        return id

    async def _answer(self, request: AnyRequest, person: Person) -> Answered:
        """What comes of a request that makes no picture; whoever stops waiting for it lets it go."""
        self._check_here((request,))
        job = Job(id=request.job, person=person.id, requests=(request,), created=time.time())
        self._book.submit(job)
        try:
            async for event in self._book.follow(job.id, person, 0):
                if isinstance(event, Answered):
                    return event
                if isinstance(event, Failed):
                    raise StudioError(event.code, **event.params)
        finally:
            with contextlib.suppress(StudioError):  # so long over that it was forgotten
                self._book.cancel(job.id, person)
        raise StudioError("answer_stopped")

    def _check_here(self, requests: tuple[AnyRequest, ...]) -> None:
        """What is missing is said now, not after waiting in line."""
        needed = {spec.id: spec for request in requests for spec in self.library.entries(request)}
        for spec in needed.values():
            if not self._downloads.needed(spec):
                entry_bytes(spec, self.settings.data)

    def follow(self, job: str, person: Person, after: int = 0) -> AsyncIterator[AnyEvent]:
        """A job's events after a number, as they come, ending with its last."""
        return self._book.follow(job, person, after)

    def cancel(self, job: str, person: Person) -> None:
        """Stops a job, or takes it out of the line."""
        self._book.cancel(job, person)

    def skip(self, job: str, person: Person) -> None:
        """Skips the picture being painted; the job goes on."""
        self._book.skip(job, person)

    def resume(self, job: str, person: Person) -> None:
        """Paints what is missing of an interrupted, failed or stopped job."""
        self._book.resume(job, person)

    def jobs(self, person: Person, limit: int = 20) -> tuple[Job, ...]:
        """A person's jobs, newest first."""
        return self._book.jobs(person, limit)

    def job(self, id: str, person: Person) -> Job:
        """One of a person's own jobs."""
        return self._book.job(id, person)

    def estimate(self, draft: Draft, person: Person) -> float | None:
        """About how many seconds a draft's pictures take; None while that is not known, or not possible."""
        try:
            spec = self.library.spec(draft.model)
            request, count = unsettled(draft, spec, "estimate", person, self._around(spec, person))
        except StudioError:
            return None
        seconds = self._pace.seconds(request)
        return None if seconds is None else count * seconds

    def remarks(self, draft: Draft, person: Person) -> tuple[Trouble, ...]:
        """What of a draft's words its model will not follow, to be told before anything is painted."""
        spec = self.library.spec(draft.model)
        family, names = FAMILIES[spec.family], [use.name for use in self._own_embeddings(spec)]
        around = self._around(spec, person)
        told = list(style_remarks(draft, spec, around))
        texts = Texts(draft.prompt, draft.negative or "") if told else expanded(draft, spec, around)
        for text in texts:
            told += remarks(text, family, draft.clip_skip or 1, names, around.lora_names)
            told += wildcard_remarks(text, around.wildcards)
        told += lora_remarks(draft.loras, texts, around) if draft.base else ()
        return tuple(one for number, one in enumerate(told) if one not in told[:number])

    def _around(self, spec: ModelSpec, person: Person) -> Around:
        library, language = self.library, language_for(spec.languages, person.language)
        return Around(
            self._inputs.size,
            library.vaes,
            library.upscalers,
            lambda text: self._embeddings(text, spec),
            lambda id: self._style(id, person),
            lambda name: self._wildcards(name, language, person),
            language,
            self._layers(spec),
            library.controls,
            library.detectors,
            self._place_of,
            self._lora_names(spec),
            lambda use: self._usable(use, spec),
            self._hashed,
        )

    def _layers(self, spec: ModelSpec) -> int:
        return MOST_LAYERS if self._downloads.needed(spec) else layers_of(spec, self.settings.data)

    def _own_embeddings(self, spec: ModelSpec) -> tuple[EmbeddingUse, ...]:
        """A person's embeddings that a model of this family can read, under the names of their files."""
        return tuple(
            EmbeddingUse(name=file.path.stem, path=str(file.path))
            for file in self.library.files
            if file.kind == "embedding" and file.family == spec.family
        )

    def _embeddings(self, text: str, spec: ModelSpec) -> tuple[EmbeddingUse, ...]:
        known = {use.name: use for use in self._own_embeddings(spec)}
        named = [known[name] for name in embeddings_in(text, known)]
        return tuple(use.model_copy(update={"sha256": self._hashes.of(Path(use.path))}) for use in named)

    # -- the book ---------------------------------------------------------------------------------

    def expanded(self, draft: Draft, person: Person) -> Texts:
        """Prompt and negative within a draft's styles, as they are shown before anything is painted."""
        spec = self.library.spec(draft.model)
        return expanded(draft, spec, self._around(spec, person))

    def joined_loras(self, draft: Draft, person: Person) -> tuple[LoraUse, ...]:
        """The LoRAs that a draft's prompts name and those beside, each once; `remarks` tells what is not here."""
        texts = Texts(draft.prompt, draft.negative or "")
        with contextlib.suppress(StudioError):  # a style that is gone is told elsewhere
            texts = self.expanded(draft, person)
        return self._joined(draft.loras, texts, self.library.spec(draft.model))

    # -- languages -------------------------------------------------------------------------------

    def translate(self, model: str, text: str, person: Person) -> Translated:
        """A text in the language that a model reads: by the book, and as a translator said its clauses before.

        For a model that reads both languages it stays as it is.
        """
        spec = self.library.spec(model)
        to = only_language(spec.languages)
        if to is None or not unread(text, to, self._names(spec)):
            return as_written(text)
        chosen = self._translator(to)
        id = chosen.id if chosen else ""
        found = self._phrases(to).translate(text, self._names(spec), self._sayings.of(id))
        return found.model_copy(update={"rest": self._sayings.unasked(id, found.rest)})

    async def translated(self, model: str, text: str, person: Person) -> Translated:
        """The same, its translator asked for what the book does not know, where that translator is here."""
        found = self.translate(model, text, person)
        to = only_language(self.library.spec(model).languages)
        chosen = self._translator(to) if to else None
        if not (to and chosen and found.rest) or self._downloads.needed(chosen):
            return found
        id = new_id(time.time())
        request = TranslateRequest(
            id=f"{id}-1", job=id, person=person.id, translator=chosen.id, texts=found.rest
        )
        answer = await self._answer(request, person)
        self._sayings.keep(chosen.id, to, found.rest, answer.texts)
        return self.translate(model, text, person)

    def unread(self, model: str, text: str, person: Person) -> tuple[str, ...]:
        """The words of a text in a language that a model does not read."""
        spec = self.library.spec(model)
        to = only_language(spec.languages)
        return unread(text, to, self._names(spec)) if to else ()

    def translator(self, model: str, person: Person) -> TranslatorState | None:
        """The translator for a model's language, where it needs one and the catalog has one."""
        to = only_language(self.library.spec(model).languages)
        spec = self._translator(to) if to else None
        if spec is None:
            return None
        return TranslatorState(
            spec=spec,
            place="hub" if self._downloads.needed(spec) else "disk",
            bytes=spec.bytes,
            fetching=self._errands.under_way(spec.id),
            trouble=self._errands.trouble(spec.id),
        )

    def fetch_translator(self, id: str, person: Person) -> None:
        """Brings a translator's files here in the background; admins alone may. `stop_fetching` lets go of it."""
        check_admin(person)
        spec = self.library.translators.get(id)
        if spec is None:
            raise StudioError("entry_unknown", entry=id)
        if self._downloads.needed(spec):
            self._errands.go(spec, lambda: None)

    def _translator(self, to: Language) -> TranslatorSpec | None:
        """One that is here before one that is not."""
        fitting = [one for one in self.library.translators.values() if one.writes == to != one.reads]
        return min(fitting, key=self._downloads.needed, default=None)

    def _names(self, spec: ModelSpec) -> re.Pattern[str] | None:
        return names_pattern([use.name for use in self._own_embeddings(spec)])

    @cached_property
    def _phrases(self) -> Callable[[Language], Translator]:
        return lru_cache(maxsize=None)(lambda to: Translator(self._index, to))

    # -- inputs ----------------------------------------------------------------------------------

    def keep_input(self, data: bytes, person: Person) -> Input:
        """Keeps a picture that somebody brought; whoever knows its hash may start from it."""
        return self._inputs.keep(data)

    def keep_mask(self, data: bytes, person: Person) -> Input:
        """Keeps a mask that somebody painted; white is painted anew."""
        return self._inputs.keep_mask(data)

    def hold_inputs(self, pictures: Collection[str], person: Person) -> int:
        """Keeps pictures that stand in the forms of an open page; answers how many of them are here."""
        return self._inputs.hold(pictures)

    def input_file(self, picture: str, person: Person) -> Path:
        """The file of a picture that was kept."""
        return self._inputs.path(picture)

    def input_from_picture(self, picture_id: str, person: Person) -> Input:
        """One of a person's own pictures, to start from."""
        return self._inputs.keep(self._gallery.file(picture_id, person).read_bytes())

    # -- pictures --------------------------------------------------------------------------------

    def pictures(self, person: Person, before: float | None = None, limit: int = 60) -> tuple[Picture, ...]:
        """A person's pictures, newest first."""
        return self._gallery.list(person, before, limit)

    def newer_pictures(self, person: Person, than: float, limit: int = 60) -> float | None:
        """Before which moment the next newer pictures lie; None where these are the newest."""
        return self._gallery.newer(person, than, limit)

    def picture_counts(self, person: Person) -> dict[float, int]:
        """How many pictures a person has of each quarter of an hour."""
        return self._gallery.counts(person)

    def picture(self, id: str, person: Person) -> Picture:
        """One of a person's own pictures."""
        return self._gallery.find(id, person)

    def picture_file(self, id: str, person: Person) -> Path:
        """Its file as saved."""
        return self._gallery.file(id, person)

    def thumbnail_file(self, id: str, person: Person) -> Path:
        """Its small copy."""
        return self._gallery.thumbnail(id, person)

    def delete(self, id: str, person: Person) -> None:
        """Takes a picture away for good."""
        self._gallery.delete(id, person)

    def redraft(self, id: str, person: Person) -> Draft:
        """A picture's recipe as a draft: what paints it again."""
        return draft_of(self._gallery.find(id, person).recipe.request)

    def lora_troubles(self, id: str, person: Person) -> tuple[Trouble, ...]:
        """Which of the LoRAs that a picture was painted with are missing here, or other files by now."""
        uses = self._gallery.find(id, person).recipe.request.loras
        return tuple(trouble for use in uses if (trouble := self._changed(use)))
