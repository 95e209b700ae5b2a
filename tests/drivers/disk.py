"""What drivers look at beside the answers: the daemon's root on the disk."""
import os
import time

ROOT = os.environ["ROOT"]


def read(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.read()


def is_there(path):
    return os.path.exists(os.path.join(ROOT, path))


def put(path):
    """A file that is no torrent's."""
    with open(os.path.join(ROOT, path), "w") as file:
        file.write("not its own")


def until(what, ready):
    for _ in range(1200):
        if ready():
            return
        time.sleep(0.05)
    raise AssertionError(what)
