"""The registry's own database on the MongoDB server that FiftyOne uses.

Own database and alias: dropping a FiftyOne dataset, or FiftyOne's whole database, leaves the history alone.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import mongoengine
from pymongo import WriteConcern

ALIAS = "sem_curate"
# A decision that was acknowledged must survive `kill -9` of the server: wait for its journal, on most of its members.
JOURNALED = WriteConcern(w="majority", j=True)
WAIT_MS = 10_000  # for a server that went away: then people are told


def database_name() -> str:
    """Return the registry's database name (``SEM_CURATE_DATABASE``, default ``sem_curate``)."""
    return os.environ.get("SEM_CURATE_DATABASE", "sem_curate")


@cache
def connect() -> Any:
    """Connect the registry's alias to FiftyOne's server; returns the pymongo database. Safe to call often.

    FiftyOne's private mongod listens on a random port, so the address is taken from FiftyOne, never configured.
    """
    import fiftyone as fo
    import fiftyone.core.odm as foo

    foo.get_db_conn()
    uri = fo.config.database_uri
    if uri:
        mongoengine.connect(database_name(), alias=ALIAS, host=uri, uuidRepresentation="standard", tz_aware=True,
                            serverSelectionTimeoutMS=WAIT_MS)  # fmt: skip
    else:
        host, port = foo.get_db_conn().client.address
        mongoengine.connect(
            database_name(), alias=ALIAS, host=host, port=port, uuidRepresentation="standard", tz_aware=True,
            serverSelectionTimeoutMS=WAIT_MS,
        )  # fmt: skip
    return mongoengine.connection.get_db(ALIAS)


def journaled(document: type[mongoengine.Document]) -> Any:
    """Return the pymongo collection of ``document`` with journalled writes."""
    connect()
    return document._get_collection().with_options(write_concern=JOURNALED)
