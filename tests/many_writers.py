"""Eight reviewers at once, some of them killed, and the database too: what ``test_many_writers`` runs and checks.

By itself: ``python tests/many_writers.py --seconds 60 FOLDER`` prints its report as JSON. The parent imports everything
and never connects, so that a killed writer is replaced within milliseconds by a fork.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAME = "many-writers"
PARTICLES, WRITERS = 24, 8
Act = Callable[["Writer", str], None]


class Server:
    """A MongoDB server that is killed and started again on the same folder."""

    def __init__(self, folder: Path, port: int) -> None:
        from sem_curate.app import mongod

        binary = mongod.binary()
        assert binary is not None
        (folder / "db").mkdir(parents=True)
        self.port = port
        self.command = [str(binary), "--dbpath", str(folder / "db"), "--port", str(port), "--bind_ip", "127.0.0.1",
                        "--nounixsocket"]  # fmt: skip
        self.output = (folder / "mongod.txt").open("ab")
        self.start()

    def start(self) -> None:
        from sem_curate.app import ports

        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)
        deadline = time.monotonic() + 60
        while not ports.listens(self.port):
            assert self.process.poll() is None, "mongod stopped"
            assert time.monotonic() < deadline, "mongod does not listen"
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Writer:
    """One reviewer's process: acts at random, and notes every intention before and every confirmation after it."""

    def __init__(self, folder: Path, number: int) -> None:
        from sem_curate import dataset
        from sem_curate.registry import labels

        self.by = f"reviewer-{number % WRITERS}"
        self.prefix = f"w{number}"
        self.random = random.Random(number)
        self.log = os.open(folder / f"{self.prefix}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.ds = dataset.load_dataset(NAME)
        self.identity = dataset.dataset_id(self.ds)
        self.catalogue = dataset.record(self.ds).catalogue
        self.labels = [label.label_id for label in labels.in_catalogue(self.catalogue)]
        self.particles = [f"P{n}" for n in range(PARTICLES)]

    def note(self, *words: str) -> None:
        os.write(self.log, (json.dumps(words) + "\n").encode())

    def work(self, until: float) -> None:
        number = 0
        while time.time() < until:
            act: Act = self.random.choices(
                [decide, decide_many, undo, undo_any, rename], weights=[60, 5, 18, 9, 8]
            )[0]  # fmt: skip
            number += 1
            self.insist(act, f"{self.prefix}-{number}")

    def insist(self, act: Act, request_id: str) -> None:
        """Try one intention until it is confirmed or refused, as a reviewer does whose server went away."""
        from sem_curate import outage
        from sem_curate.errors import DatabaseUnavailableError, SemCurateError

        seed = self.random.random()
        self.note("try", request_id, act.__name__)
        while True:
            self.random.seed(seed)  # the same intention
            try:
                with outage.told():
                    act(self, request_id)
                return None
            except DatabaseUnavailableError as error:
                self.note("gone", request_id, str(error))
                time.sleep(0.2)
            except SemCurateError as error:
                return self.note("refused", request_id, type(error).__name__)


def decide(writer: Writer, request_id: str) -> None:
    from sem_curate.review import run as review

    particle, label = writer.random.choice(writer.particles), writer.random.choice(writer.labels)
    review.decide(writer.ds, particle, "label", label_id=label, by=writer.by, request_id=request_id, seconds=1.5)
    writer.note("done", request_id, "event")


def decide_many(writer: Writer, request_id: str) -> None:
    from sem_curate import mirror
    from sem_curate.registry import history
    from sem_curate.registry.fold import State
    from sem_curate.review import actions

    particles, label = writer.random.sample(writer.particles, 6), writer.random.choice(writer.labels)
    states = history.states(writer.identity, particles)
    events = [
        actions.decision_event(
            key, "label", states.get(key, State()), proposed=None, label_id=label, by=writer.by,
            request_id=f"{request_id}:{key}", batch=request_id,
        )
        for key in particles
    ]  # fmt: skip
    stored = history.append_many(events, writer.identity)
    mirror.refresh(writer.ds, particles)
    for event in stored:
        writer.note("done", event.event_id, "event")


def undo(writer: Writer, request_id: str) -> None:
    from sem_curate.review import run as review

    taken = review.undo(writer.ds, by=writer.by, request_id=request_id)
    if taken:
        writer.note("done", taken["event_id"], "event")


def undo_any(writer: Writer, request_id: str) -> None:
    from sem_curate.registry import listing
    from sem_curate.review import run as review

    chosen = listing.Filter(kinds=("decide", "undo"), particles=(writer.random.choice(writer.particles),))
    found = list(listing.events(writer.identity, chosen, limit=5))
    if found:
        target = writer.random.choice(found)
        taken = review.undo_event(writer.ds, target.event_id, by=writer.by, request_id=request_id)
        writer.note("done", taken["event_id"], "event")


def rename(writer: Writer, request_id: str) -> None:
    from sem_curate import dataset, mirror
    from sem_curate.registry import labels

    label_id = writer.random.choice(writer.labels)
    name = f"名前 {request_id}"
    labels.change(writer.catalogue, "rename", label_id, {"name_ja": name}, by=writer.by, request_id=request_id)
    dataset.rename_label(writer.ds, label_id, labels.get(label_id).name(mirror.language(writer.ds)))
    writer.note("done", request_id, "label")


def in_fork(work: Callable[[], None]) -> int:
    """Run in a child process; returns its id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def finished(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def set_up(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    from sem_curate import dataset
    from sem_curate.ingest.run import ingest
    from sem_curate.registry import labels

    (folder / "images").mkdir()
    for number in range(PARTICLES):
        for view in ("view1", "view2"):
            pixels = np.full((24, 24), 50 + number, np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"P{number}_{view}.png")
    ingest(folder / "images", NAME, views=("view1", "view2"))
    catalogue = dataset.record(dataset.load_dataset(NAME)).catalogue
    for name in ("needle", "plate", "sphere"):
        labels.create(catalogue, name, by="setup")


def drive(folder: Path, server: Server, seconds: float) -> dict[str, Any]:
    """Let the writers act; kill some, and the server in the middle."""
    chance = random.Random(1)
    start = time.time()
    until, numbers = start + seconds, iter(range(10_000))
    children: dict[int, int] = {}

    def add() -> None:
        number = next(numbers)
        children[in_fork(lambda: Writer(folder, number).work(until))] = number

    for _ in range(WRITERS):
        add()
    killed, server_killed = 0, False
    while time.time() < until - 1:
        time.sleep(chance.uniform(0.5, 1.5) * min(1.0, seconds / 20))
        if not server_killed and time.time() > start + seconds / 2:
            server.kill()
            server_killed = True
            time.sleep(1)
            server.start()
        elif time.time() > start + 3:
            victim = chance.choice(sorted(children))
            os.kill(victim, signal.SIGKILL)
            finished(victim)
            del children[victim]
            killed += 1
            add()
    codes = [finished(child) for child in children]
    return {"killed": killed, "server_killed": server_killed, "ended": codes}


def check(folder: Path) -> None:
    """Compare the history with what the writers noted, and the fields with the history; writes report.json."""
    from sem_curate import dataset, mirror, schema
    from sem_curate.registry import label_log, labels, records, verifying
    from sem_curate.registry.documents import Event

    ds = dataset.load_dataset(NAME)
    identity, catalogue = dataset.dataset_id(ds), dataset.record(ds).catalogue
    notes = [tuple(json.loads(line)) for log in folder.glob("w*.log") for line in log.read_text().splitlines()]
    tried = {words[1] for words in notes if words[0] == "try"}
    confirmed = {words[1] for words in notes if words[0] == "done" and words[2] == "event"}
    renamed = {words[1] for words in notes if words[0] == "done" and words[2] == "label"}
    label_log.settle()
    rows = list(Event._get_collection().find({"dataset_id": identity}))
    stored = Counter(row["_id"] for row in rows)
    changes = label_log.changes(catalogue)
    renames = [one["change_id"] for one in changes if one["kind"] == "rename"]
    places: dict[str, list[int]] = {}
    for row in rows:
        places.setdefault(row["particle_id"], []).append(row["seq"])
    mirror.catch_up(ds)
    behind = mirror.rebuild(ds)["corrected"]
    names = {label.label_id: label.name(mirror.language(ds)) for label in labels.in_catalogue(catalogue)}
    shown = dataset.read_views(ds, [f"P{n}" for n in range(PARTICLES)], (schema.LABEL,))
    wrong_names = [
        key for key, views in shown.items() for view in views.values()
        if (label := view.get(schema.LABEL)) and label["label"] != names[label["label_id"]]
    ]  # fmt: skip
    report = {
        "chain": verifying.verify(identity),
        "tried": len(tried),
        "confirmed": len(confirmed),
        "refused": Counter(words[2] for words in notes if words[0] == "refused"),
        "told": sorted({words[2] for words in notes if words[0] == "gone"})[:3],
        "told_times": sum(words[0] == "gone" for words in notes),
        "events": len(rows),
        "kinds": Counter(row["kind"] for row in rows),
        "lost": sorted(confirmed - set(stored)),
        "lost_renames": sorted(renamed - set(renames)),
        # Every event of a reviewer comes from one intention; a bulk's are named "<intention>:<of what>".
        "from_nowhere": sorted(
            key for key, row in ((row["_id"], row) for row in rows)
            if row["kind"] in ("decide", "undo", "tag") and key.split(":")[0] not in tried
        ),
        "renames": len(renames),
        "rename_events": sum(row["kind"] == "label" and row["note"].startswith("rename") for row in rows),
        "doubled_renames": len(renames) - len(set(renames)),
        "holes": sorted(key for key, seqs in places.items() if sorted(seqs) != list(range(1, len(seqs) + 1))),
        "same_numbers_of_labels": [one["seq"] for one in changes] == list(range(1, len(changes) + 1)),
        "label_records": len([one for one in records.of_dataset(identity) if one.kind == "label"]) == len(changes),
        "fields_behind_before_repair": behind,
        "fields_wrong_after_repair": mirror.rebuild(ds)["corrected"] + len(wrong_names),
    }  # fmt: skip
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False, default=str))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    from sem_curate.app import ports

    port = ports.free_port()
    for name, value in {
        "FIFTYONE_DATABASE_URI": f"mongodb://127.0.0.1:{port}", "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DATABASE_NAME": "many_writers", "SEM_CURATE_DATABASE": "many_writers_registry",
        "SEM_CURATE_HOME": str(given.folder / "home"), "FIFTYONE_DO_NOT_TRACK": "true",
    }.items():  # fmt: skip
        os.environ[name] = value
    # Before the first fork, without connecting.

    server = Server(given.folder, port)
    try:
        assert finished(in_fork(lambda: set_up(given.folder))) == 0
        driven = drive(given.folder, server, given.seconds)
        assert finished(in_fork(lambda: check(given.folder))) == 0
    finally:
        server.kill()
    report = json.loads((given.folder / "report.json").read_text())
    print(json.dumps({**driven, "seconds": given.seconds, **report}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
