"""The rack: the shelf of LoRAs and embeddings, how they come here, and what a draft's LoRAs come to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from studio.catalog import source_path, store_of
from studio.downloads import Downloads, Errands
from studio.errors import StudioError, check_admin
from studio.loras import card, embedding_card, picture, picture_beside
from studio.messages import (
    HubSource,
    LoraArrival,
    LoraCard,
    LoraMix,
    LoraSpec,
    LoraUse,
    ModelScopeSource,
    ModelSpec,
    Person,
    RemoteLora,
    Trouble,
)
from studio.own import Library, Own, OwnFile
from studio.prompt import Texts, joined, meant, name_in, names_of, take_loras
from studio.rack.arrivals import Arrivals
from studio.rack.far_sizes import FarSizes
from studio.rack.mixes import Mixes
from studio.rack.stars import Stars
from studio.rack.taking_in import take_in
from studio.settings import Settings
from studio.weights import Hashes


class Rack:
    """What of the studio is about LoRAs."""

    settings: Settings
    library: Library
    _own: Own
    _downloads: Downloads
    _errands: Errands
    _hashes: Hashes

    def open_rack(self) -> None:
        """Gets ready; nothing is read yet."""
        self._stars = Stars(self.settings.data)
        self._mixes = Mixes(self.settings.data)
        self._far_sizes = FarSizes(lambda spec: self._downloads.offers(spec))
        self._arrivals = Arrivals(
            self.settings,
            lambda: self._downloads,
            lambda: self._errands,
            lambda: self.library.loras,
            self._keep_fetched,
        )

    # -- the shelf -------------------------------------------------------------------------------

    def loras(self, model: str, person: Person) -> tuple[LoraCard, ...]:
        """The LoRAs and embeddings as the shelf shows them beside a model: favourites first, then what fits."""
        spec = self.library.spec(model)
        stars = self._stars.of(person.id)
        cards = [*self._lora_cards(spec, stars), *self._embedding_cards(spec, stars)]
        return tuple(
            sorted(cards, key=lambda one: (not one.favourite, not one.fits, one.title.en.casefold(), one.id))
        )

    def _lora_cards(self, model: ModelSpec, stars: Sequence[str]) -> Iterator[LoraCard]:
        names = self._lora_names(model)
        for spec in self.library.loras.values():
            shown = card(spec, self.settings.data, model, stars)
            told: dict[str, object] = {"name": name_in(names, spec.id, _called(spec))}
            if shown.place == "hub":
                told["bytes"] = self._far_sizes.of(spec)
                told["fetching"] = self._errands.under_way(spec.id)
                told["failed"] = self._errands.trouble(spec.id)
            yield shown.model_copy(update=told)

    def _embedding_cards(self, model: ModelSpec, stars: Sequence[str]) -> Iterator[LoraCard]:
        for file in self._embedding_files():
            yield embedding_card(file.id, file.title, file.path, file.family, model, file.id in stars)

    def _embedding_files(self) -> tuple[OwnFile, ...]:
        return tuple(file for file in self.library.files if file.kind == "embedding")

    def lora_sizes_coming(self) -> bool:
        """Whether repositories are being asked how large their LoRAs are: then the shelf soon tells more."""
        return self._far_sizes.asking

    def lora_picture(self, id: str, person: Person) -> bytes:
        """The picture of a LoRA or an embedding as a small JPEG; empty where it has none that can be read."""
        spec = self.library.loras.get(id)
        if spec:
            return picture(spec, self.settings.data)
        file = next((one for one in self._embedding_files() if one.id == id), None)
        if file is None:
            raise StudioError("lora_unknown", lora=id)
        return picture_beside(file.path)

    def lora_favourite(self, id: str, on: bool, person: Person) -> None:
        """Gives a LoRA or an embedding a person's star, or takes it off."""
        if on and id not in {*self.library.loras, *(one.id for one in self._embedding_files())}:
            raise StudioError("lora_unknown", lora=id)
        self._stars.mark(person.id, id, on)

    # -- mixes that were saved -------------------------------------------------------------------

    def lora_mixes(self, person: Person) -> tuple[LoraMix, ...]:
        """A person's mixes by name."""
        return self._mixes.of(person.id)

    def keep_lora_mix(self, name: str, uses: Sequence[LoraUse], person: Person) -> LoraMix:
        """Saves a mix under a name; one of the same name gives way to it."""
        names = self._lora_names(None)
        # With its name a LoRA is still found after it was moved, and can be named when it is gone.
        return self._mixes.keep(person.id, name, [self._known(use, names) or use for use in uses])

    def rename_lora_mix(self, id: str, name: str, person: Person) -> None:
        """Gives a mix another name."""
        self._mixes.rename(person.id, id, name)

    def forget_lora_mix(self, id: str, person: Person) -> None:
        """Takes a mix away."""
        self._mixes.forget(person.id, id)

    # -- how they come here ----------------------------------------------------------------------

    def import_lora(self, file: IO[bytes], name: str, person: Person) -> LoraCard:
        """Takes a file into the data folder, once it was looked at; admins alone may. It may take seconds."""
        check_admin(person)
        return self._card_of(self._taken_in(file, name))

    def fetch_lora(self, id: str, person: Person) -> None:
        """Fetches a LoRA of the catalog in the background; admins alone may. `stop_fetching` lets go of it."""
        check_admin(person)
        spec = self.library.loras.get(id)
        if spec is None:
            raise StudioError("lora_unknown", lora=id)
        if self._downloads.needed(spec):
            self._errands.go(spec, lambda: None)

    def repository_loras(self, address: str, person: Person) -> tuple[RemoteLora, ...]:
        """What a repository offers that may be a LoRA. Asks the network; admins alone may."""
        check_admin(person)
        return self._arrivals.offered(address)

    def bring_lora(self, address: str, file: str, person: Person) -> str:
        """Brings one file of a repository in the background, the only one where none is named; admins alone may."""
        check_admin(person)
        return self._arrivals.begin(address, file)

    def lora_arrivals(self, person: Person) -> tuple[LoraArrival, ...]:
        """What was asked for with `bring_lora` since the start, the newest first."""
        return self._arrivals.all() if person.role == "admin" else ()

    def _keep_fetched(self, spec: LoraSpec, name: str) -> str:
        """Takes a file that was fetched into the folder of LoRAs, and what it was fetched into away."""
        assert isinstance(spec.source, HubSource | ModelScopeSource)
        path, store = source_path(spec, self.settings.data), store_of(spec.source, self.settings.data)
        try:
            with path.open("rb") as stream:
                return self._id_of(self._taken_in(stream, f"{name}.safetensors"))
        finally:
            shutil.rmtree(store, ignore_errors=True)  # a cache of other programs is none of ours

    def _taken_in(self, file: IO[bytes], name: str) -> Path:
        path = take_in(
            file,
            name,
            self._own.data,
            lambda: (one.path for one in self.library.files),
            self._hashes.of,
        )
        self._own.look_again()
        return path

    def _id_of(self, path: Path) -> str:
        return next(one.id for one in self.library.files if one.path == path)

    def _card_of(self, path: Path) -> LoraCard:
        id = self._id_of(path)
        if spec := self.library.loras.get(id):
            names = self._lora_names(None)
            name = name_in(names, id, _called(spec))
            return card(spec, self.settings.data).model_copy(update={"name": name})
        file = next(one for one in self._embedding_files() if one.id == id)
        return embedding_card(file.id, file.title, file.path, file.family)

    # -- what a draft's come to ------------------------------------------------------------------

    def _joined(self, uses: Sequence[LoraUse], texts: Texts, model: ModelSpec) -> tuple[LoraUse, ...]:
        """The LoRAs beside some prompts and those that they name, each once and under its name."""
        names = self._lora_names(model)
        named = (use for text in texts for use in take_loras(text, names).uses)
        return joined(self._known(use, names) or use for use in (*uses, *named))

    def _refused(self) -> dict[str, Trouble]:
        """Files in the folders of LoRAs that are not used, and why, by their names."""
        folders = ("loras/", "lora/")
        return {
            one.name: one.trouble for one in self.library.refused if one.name.casefold().startswith(folders)
        }

    def _why_not_here(self, use: LoraUse, names: Mapping[str, str]) -> Trouble:
        id = meant(names, use.name or use.id) or use.id
        missing = Trouble(code="lora_missing", params={"lora": use.name or use.id})
        return self._refused().get(id, missing)

    def _known(self, use: LoraUse, names: Mapping[str, str]) -> LoraUse | None:
        """A use under the id and the name that it has here; a file that was moved is found by its name."""
        specs = self.library.loras
        id = use.id if use.id in specs else meant(names, use.name or use.id)
        if id is None or id not in specs:
            return None
        return use.model_copy(update={"id": id, "name": name_in(names, id, _called(specs[id]))})

    def _usable(self, use: LoraUse, model: ModelSpec) -> LoraUse:
        """The same, or why it cannot be used with a model."""
        names = self._lora_names(model)
        known = self._known(use, names)
        if known is None:
            why = self._why_not_here(use, names)
            raise StudioError(why.code, **why.params)
        trouble = card(self.library.loras[known.id], self.settings.data, model).trouble
        if trouble:
            raise StudioError(trouble.code, **trouble.params)
        if changed := self._changed(known):
            raise StudioError(changed.code, **changed.params)
        return known

    def _changed(self, use: LoraUse) -> Trouble | None:
        """What came of the file that a use was made with."""
        names = self._lora_names(None)
        known = self._known(use, names)
        if known is None:
            return self._why_not_here(use, names)
        now = self._hashed(known.model_copy(update={"sha256": ""})).sha256 if use.sha256 else ""
        same = now in ("", use.sha256)
        return None if same else Trouble(code="lora_changed", params={"lora": known.name})

    def _hashed(self, use: LoraUse) -> LoraUse:
        """With the hash of its file; one that is still to be fetched gets it from whoever paints with it."""
        spec = self.library.loras[use.id]
        if self._downloads.needed(spec):
            return use
        try:
            return use.model_copy(update={"sha256": self._hashes.of(source_path(spec, self.settings.data))})
        except OSError as error:
            raise StudioError("lora_missing", lora=use.name) from error

    def _lora_names(self, model: ModelSpec | None) -> dict[str, str]:
        """Ids by every name: a name that several have means one that fits the model, and of those one's own."""

        def rank(spec: LoraSpec) -> tuple[bool, bool]:
            fits = model is None or spec.family in ("", model.family)
            return not fits, not spec.own

        specs = sorted(self.library.loras.values(), key=rank)
        # Whoever names a file that cannot be used is told why, and not that there is none.
        refused: dict[str, tuple[str, ...]] = {name: (Path(name).stem,) for name in self._refused()}
        return names_of({spec.id: _called(spec) for spec in specs} | refused)


def _called(spec: LoraSpec) -> tuple[str, ...]:
    """The names that a LoRA goes by: its file's, as elsewhere, then its titles."""
    source = spec.source
    file = source.file if isinstance(source, HubSource | ModelScopeSource) else source.path
    stem = Path(file).stem
    titles = (spec.title.en, spec.title.zh)
    return titles if stem == "pytorch_lora_weights" else (stem, *titles)
