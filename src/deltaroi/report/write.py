"""Writing the report."""

from __future__ import annotations

from pathlib import Path


def write_report(out: Path) -> Path:
    """Write ``report.html``, ``methods.md`` and ``cobidas.json`` from an output folder alone.

    Parameters
    ----------
    out : Path
        The folder given with ``--out``; only its tables, JSON and ROI images are read.

    Returns
    -------
    Path
        The page: one file that asks for nothing else. The same folder gives the same bytes.

    Raises
    ------
    DataError
        The study as run is missing, or a file of the folder cannot be read.
    """
    from deltaroi.io.files import atomic_write, write_json
    from deltaroi.report.cobidas import cobidas_items
    from deltaroi.report.data import read_output
    from deltaroi.report.html import render
    from deltaroi.report.methods import write_methods

    output = read_output(Path(out))
    methods = write_methods(output)
    page = render(output, methods)
    atomic_write(output.layout.methods, methods.markdown().encode())
    write_json(output.layout.cobidas, cobidas_items(output))
    atomic_write(output.layout.report, page.encode())
    return output.layout.report
