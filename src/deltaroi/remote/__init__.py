"""Files that lie behind a URL: ``s3://`` objects and ``https://`` files, streamed or fetched whole.

A file is a :class:`pathlib.Path` or a :class:`RemoteFile`. Small ones are fetched whole into a cache (:func:`local`),
large ones are read once from front to back (:func:`open_stream`); both go on where they were when a connection drops.
"""

from deltaroi.remote.fetch import forget, local, located, peek, prefetch
from deltaroi.remote.files import File, RemoteDataset, RemoteFile, Route, is_url, remote_file, shown
from deltaroi.remote.s3 import list_objects
from deltaroi.remote.stream import open_stream
from deltaroi.remote.traffic import Traffic, counting

__all__ = ["File", "RemoteDataset", "RemoteFile", "Route", "Traffic", "counting", "forget", "is_url", "list_objects",
           "local", "located", "open_stream", "peek", "prefetch", "remote_file", "shown"]
