"""Recipes in picture files: our own JSON, and the `parameters` text that other tools read."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.families import FAMILIES
from studio.files import whole
from studio.messages import GenerationRequest, HighResolution, Recipe, Upscale

RECIPE_KEY = "spellbook_recipe"
PARAMETERS_KEY = "parameters"
TITLES = {sampler.id: sampler.title for family in FAMILIES.values() for sampler in family.samplers}


def write_png(image: Image.Image, recipe: Recipe, path: Path) -> None:
    """Saves a picture with its recipe inside, whole or not at all."""
    info = PngInfo()
    info.add_itxt(RECIPE_KEY, recipe.model_dump_json())
    info.add_text(PARAMETERS_KEY, parameters_text(recipe))
    with whole(path) as unfinished:
        # Level 6 of zlib takes twice the time of level 4 for two per cent fewer bytes.
        image.save(unfinished, format="PNG", pnginfo=info, compress_level=4)


def read_recipe(path: Path) -> Recipe | None:
    """The recipe inside a picture of ours; None for any other picture."""
    with Image.open(path) as image:
        text = image.info.get(RECIPE_KEY)
    return Recipe.model_validate_json(text) if text else None


def parameters_text(recipe: Recipe) -> str:
    """The recipe as one line of settings under the prompts, the form most tools can read."""
    request = recipe.request
    lines = [request.prompt + "".join(use.tag for use in request.loras)]
    if request.negative:
        lines.append(f"Negative prompt: {request.negative}")
    settings = (_painting(recipe) if request.paints else {}) | _upscaling(request)
    settings["Lora hashes"] = _lora_hashes(request)
    settings["Version"] = f"Spellbook Studio {recipe.studio}".strip()
    lines.append(", ".join(f"{name}: {value}" for name, value in settings.items() if value not in ("", None)))
    return "\n".join(lines)


def _painting(recipe: Recipe) -> dict[str, object]:
    request = recipe.request
    return {
        "Steps": request.steps,
        "Sampler": TITLES.get(request.sampler, request.sampler),
        "CFG scale": f"{request.guidance:g}",
        "Seed": request.seed,
        "Size": f"{request.width}x{request.height}",
        "Model hash": recipe.model_hash,
        "Model": request.model,
        "VAE": request.vae,
        "Clip skip": request.clip_skip if request.clip_skip > 1 else "",
        "Negative counts": "as needed" if request.measures_negative else "",
        "Tiling": request.tiling if request.tiling != "none" else "",
        **_starting(request),
        **_second_pass(request),
    }


def _lora_hashes(request: GenerationRequest) -> str:
    """Short hashes by the names that stand in the tags, in quotes, since it holds commas of its own."""
    known = [f"{use.name or use.id}: {use.sha256[:10]}" for use in request.loras if use.sha256]
    return f'"{", ".join(known)}"' if known else ""


def _starting(request: GenerationRequest) -> dict[str, object]:
    """Under the names that other tools know: how it departs from a picture, and from its own noise."""
    settings: dict[str, object] = {}
    if request.variation:
        settings["Variation seed"] = request.variation.seed
        settings["Variation seed strength"] = f"{request.variation.weight:g}"
    if request.start:
        settings["Denoising strength"] = f"{request.start.strength:g}"
    if request.mask:
        settings["Mask blur"] = request.mask.feather
        settings["Inpaint area"] = {"whole": "Whole picture", "masked": "Only masked"}[request.mask.area]
        settings["Masked content"] = request.mask.fill
    return settings


def _second_pass(request: GenerationRequest) -> dict[str, object]:
    second = request.stage(HighResolution)
    if second is None:
        return {}
    return {
        "Denoising strength": f"{second.strength:g}",
        "Hires upscale": f"{second.factor:g}",
        "Hires steps": second.steps or "",
        "Hires upscaler": second.upscaler,
    }


def _upscaling(request: GenerationRequest) -> dict[str, object]:
    upscale = request.stage(Upscale)
    return (
        {"Postprocess upscale by": f"{upscale.factor:g}", "Postprocess upscaler": upscale.upscaler}
        if upscale
        else {}
    )
