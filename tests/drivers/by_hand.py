"""Drives a daemon by the programs that take too long to install for the tests: FlexGet, Flood, transmission-remote-gtk.

    TEEM=target/debug/teem python3 tests/drivers/by_hand.py [flexget] [flood] [gtk]

What is missing is skipped, and said. Each program gets a daemon of its own with a film and an album that lie there
already; what it did is looked at by `teem list` and on the disk.

    flexget   python3 -m pip install flexget            (FLEXGET=the command, else what is on the PATH)
    flood     npm install --ignore-scripts flood        (FLOOD=the command, else what is on the PATH)
    gtk       apt-get install transmission-remote-gtk xvfb xdotool imagemagick
"""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TEEM = os.path.abspath(os.environ.get("TEEM", "target/debug/teem"))


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode())
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


def until(what, ready):
    for _ in range(600):
        if ready():
            return
        time.sleep(0.1)
    raise AssertionError(what)


class Daemon:
    """A daemon in a folder of its own, with a token."""

    def __init__(self, name):
        self.at = tempfile.mkdtemp(prefix=f"teem-{name}-")
        self.root = os.path.join(self.at, "files")
        os.mkdir(self.root)
        self.env = dict(os.environ, TEEM_DAEMON=f"unix:{self.at}/run/daemon.sock", HOME=self.at)
        self.env.update(TEEM_NO_DHT="1", TEEM_NO_LSD="1", TEEM_NO_MAP="1", XDG_STATE_HOME=f"{self.at}/state")
        options = ["--root", "files", "--listen", "127.0.0.1:0", "--api", "127.0.0.1:0", "--json"]
        self.process = subprocess.Popen(
            [TEEM, "daemon", *options], cwd=self.at, env=self.env, stdout=subprocess.PIPE, text=True
        )
        ready = next(line for line in map(json.loads, self.process.stdout) if line.get("event") == "ready")
        self.host, self.port = ready["api"][0].rsplit(":", 1)
        self.token = self.teem("token", "create", name, "--scope", "control").strip()

    def teem(self, *words):
        done = subprocess.run([TEEM, *words], cwd=self.at, env=self.env, capture_output=True, text=True)
        assert done.returncode in (0, 1), (words, done.stderr)
        return done.stdout

    def list(self):
        return {one["name"]: one for one in map(json.loads, self.teem("list", "--json").splitlines())}

    def until(self, what, name, fits):
        until(what, lambda: name in self.list() and fits(self.list()[name]))

    def complete(self, name, files=None):
        """The path of a .torrent of content that lies in the root, and its info-hash."""
        whole = {path: (name + path).encode() * 10_000 for path in files or [""]}
        for path, content in whole.items():
            there = os.path.join(self.root, name, path).rstrip("/")
            os.makedirs(os.path.dirname(there), exist_ok=True)
            with open(there, "wb") as file:
                file.write(content)
        content = b"".join(whole.values())
        pieces = b"".join(hashlib.sha1(content[at : at + 16384]).digest() for at in range(0, len(content), 16384))
        info = {"name": name, "piece length": 16384, "pieces": pieces}
        if files:
            info["files"] = [{"length": len(whole[path]), "path": [path]} for path in files]
        else:
            info["length"] = len(content)
        path = os.path.join(self.at, f"{name}.torrent")
        with open(path, "wb") as file:
            file.write(bencode({"announce": "http://127.0.0.1:9/announce", "info": info}))
        return path, hashlib.sha1(bencode(info)).hexdigest()

    def read(self, path):
        with open(os.path.join(self.root, path), "rb") as file:
            return file.read()

    def tree(self):
        found = [os.path.join(folder, file) for folder, _, files in os.walk(self.root) for file in files]
        return sorted(os.path.relpath(path, self.root) for path in found)

    def put(self, path):
        with open(os.path.join(self.root, path), "w") as file:
            file.write("not its own")

    def end(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.at)


def flexget(daemon, command):
    """Both plugins: add with path, labels, limits and a ratio; move; rename; choose; pause; resume; remove; with data."""
    film, _ = daemon.complete("film")
    daemon.complete("song")
    album, _ = daemon.complete("album", ["a.mkv", "b.txt"])
    content = daemon.read("film")
    folder = os.path.join(daemon.at, "flexget")
    os.mkdir(folder)

    def run(task):
        task.setdefault("accept_all", True)
        task["disable"] = ["seen", "seen_info_hash", "remember_rejected", "retry_failed"]
        with open(os.path.join(folder, "config.yml"), "w") as file:
            json.dump({"tasks": {"task": task}}, file)  # YAML reads JSON
        words = [command, "-c", os.path.join(folder, "config.yml"), "execute", "--no-cache"]
        ran = subprocess.run(words, capture_output=True, text=True)
        out = ran.stdout + ran.stderr
        assert ran.returncode == 0 and "ERROR" not in out and "Traceback" not in out, out
        return out

    to = {"host": daemon.host, "port": int(daemon.port), "username": "me", "password": daemon.token}
    entry = lambda path: [{"title": os.path.basename(path)[: -len(".torrent")], "url": f"file://{path}"}]
    named = lambda name: [{"title": name, "url": f"magnet:?xt=urn:btih:{daemon.list()[name]['infohash']}", "torrent_info_hash": daemon.list()[name]["infohash"]}]
    add = {"labels": ["fg", "tv"], "ratio": 1.5, "max_up_speed": 50, "add_paused": True, "path": daemon.root}
    run({"mock": entry(film), "transmission": dict(to, **add)})
    told = daemon.list()["film"]
    assert (told["state"], told["labels"], told["up_limit"]) == ("paused", ["fg", "tv"], 50_000), told
    assert told["until"] == "ratio=1.5" and told["folder"] == daemon.root, told
    run({"mock": named("film"), "transmission": dict(to, action="resume")})
    daemon.until("all of it", "film", lambda one: one["state"] == "seeding")
    moved = os.path.join(daemon.root, "moved")
    run({"mock": named("film"), "transmission": dict(to, path=moved)})
    daemon.until("its new place", "film", lambda one: one["folder"] == moved and one["state"] == "seeding")
    assert daemon.read("moved/film") == content and "film" not in daemon.tree()
    assert "`film`" in run({"from_transmission": to})  # it reads `torrentFile`
    run({"mock": named("film"), "transmission": dict(to, action="pause")})
    daemon.until("its rest", "film", lambda one: one["state"] == "paused")
    run({"mock": entry(album), "transmission": dict(to, skip_files=["*.txt"], path=daemon.root)})
    daemon.until("what is wanted", "album", lambda one: one["state"] == "seeding" and one["wanted"] < one["size"])
    daemon.put("album/strange")
    run({"mock": named("album"), "transmission": dict(to, action="purge")})
    until("its files' end", lambda: daemon.tree() == ["album/strange", "moved/film", "song"])
    run({"mock": named("film"), "transmission": dict(to, action="remove")})
    assert daemon.list() == {} and daemon.read("moved/film") == content

    song = os.path.join(daemon.at, "song.torrent")
    add = {"label": "fg", "tags": ["a", "b"], "maxupspeed": 50, "ratio_limit": 2, "path": daemon.root}
    run({"mock": entry(song), "qbittorrent": dict(to, **add)})
    told = daemon.list()["song"]
    assert (told["labels"], told["up_limit"], told["folder"]) == (["a", "b", "fg"], 50 * 1024, daemon.root), told
    daemon.until("all of it", "song", lambda one: one["state"] == "seeding")
    again = run({"mock": entry(song), "qbittorrent": to})
    assert "already" in again, again


class Web:
    """Requests of JSON."""

    def __init__(self, base):
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with self.opener.open(request, timeout=30) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as e:
            raise OSError(f"{path}: {e.code} {e.read()[:500]}") from e


def flood_on(daemon, command, interface):
    film, film_hash = daemon.complete("film")
    album, album_hash = daemon.complete("album", ["a", "b", "c"])
    _, song_hash = daemon.complete("song")
    film_hash, album_hash, song_hash = film_hash.upper(), album_hash.upper(), song_hash.upper()
    content = daemon.read("film")
    port = {"tr": 39621, "qb": 39622}[interface]
    url = f"http://{daemon.host}:{daemon.port}" + ("/transmission/rpc" if interface == "tr" else "")
    words = [f"--{interface}url", url, f"--{interface}user", "me", f"--{interface}pass", daemon.token]
    run = [*command.split(), "--auth", "none", "--port", str(port), "--rundir", os.path.join(daemon.at, "flood"), *words]
    log = open(os.path.join(daemon.at, "flood.log"), "w")
    flood = subprocess.Popen(run, cwd=daemon.at, stdout=log, stderr=log)
    web = Web(f"http://127.0.0.1:{port}/api")

    def shows():
        return (web.ask("/torrents") or {}).get("torrents", {})

    def is_up():
        try:
            web.ask("/auth/verify")  # gives the cookie
            return web.ask("/client/connection-test")["isConnected"]
        except OSError:
            return False

    def file_of(path):
        with open(path, "rb") as file:
            return base64.b64encode(file.read()).decode()

    try:
        until("Flood, connected", is_up)
        add = {"destination": daemon.root, "isBasePath": False, "isCompleted": False, "isInitialSeeding": False}
        web.ask("/torrents/add-files", dict(add, files=[file_of(film)], tags=["tv"], isSequential=False, start=False))
        until("the film", lambda: film_hash in shows())
        shown = shows()[film_hash]
        assert shown["tags"] == ["tv"] and "stopped" in shown["status"], shown
        web.ask("/torrents/start", {"hashes": [film_hash]})
        daemon.until("all of it", "film", lambda one: one["state"] == "seeding")
        until("100 %", lambda: shows()[film_hash]["percentComplete"] == 100 and "seeding" in shows()[film_hash]["status"])
        web.ask("/torrents/tags", {"hashes": [film_hash], "tags": ["films"]}, "PATCH")
        daemon.until("its tag", "film", lambda one: one["labels"] == ["films"])
        moved = os.path.join(daemon.root, "moved")
        move = {"destination": moved, "isBasePath": False, "moveFiles": True, "isCheckHash": False}
        web.ask("/torrents/move", dict(move, hashes=[film_hash]))
        daemon.until("its new place", "film", lambda one: one["folder"] == moved and one["state"] == "seeding")
        assert daemon.read("moved/film") == content and "film" not in daemon.tree()
        web.ask("/torrents/check-hash", {"hashes": [film_hash]})
        daemon.until("another look", "film", lambda one: one["state"] == "seeding")
        web.ask("/torrents/reannounce", {"hashes": [film_hash]})
        trackers = ["udp://127.0.0.1:9/announce"]
        web.ask("/torrents/trackers", {"hashes": [film_hash], "trackers": trackers}, "PATCH")
        told = [tracker["url"] for tracker in web.ask(f"/torrents/{film_hash}/trackers")]
        assert trackers[0] in told, told
        details = web.ask(f"/torrents/{film_hash}/details")
        assert details, details
        web.ask(f"/torrents/{film_hash}/peers")
        web.ask("/torrents/add-files", dict(add, files=[file_of(album)], tags=[], isSequential=False, start=True))
        until("the album", lambda: album_hash in shows())
        web.ask(f"/torrents/{album_hash}/contents", {"indices": [1], "priority": 0}, "PATCH")
        web.ask(f"/torrents/{album_hash}/contents", {"indices": [2], "priority": 2}, "PATCH")
        contents = web.ask(f"/torrents/{album_hash}/contents")
        assert [one["priority"] for one in contents] == [1, 0, 2], contents
        daemon.until("what is wanted", "album", lambda one: one["state"] == "seeding" and one["wanted"] < one["size"])
        daemon.put("album/strange")
        web.ask("/torrents/delete", {"hashes": [album_hash], "deleteData": True})
        until("its end", lambda: "album" not in daemon.list())
        until("its files' end", lambda: "album/a" not in daemon.tree() and "album/c" not in daemon.tree())
        assert "album/strange" in daemon.tree()
        magnet = f"magnet:?xt=urn:btih:{song_hash.lower()}&dn=song"
        web.ask("/torrents/add-urls", dict(add, urls=[magnet], tags=[], isSequential=False, start=True))
        daemon.until("the magnet", "song", lambda one: one["state"] == "metadata")
        web.ask("/torrents/delete", {"hashes": [song_hash], "deleteData": False})
        until("its end", lambda: "song" not in daemon.list())
        limits = {"throttleGlobalDownSpeed": 100_000, "throttleGlobalUpSpeed": 50_000}
        web.ask("/client/settings", limits, "PATCH")
        settings = web.ask("/client/settings")
        assert all(abs(settings[key] - limits[key]) <= 1024 for key in limits), settings
        web.ask("/torrents/stop", {"hashes": [film_hash]})
        daemon.until("its rest", "film", lambda one: one["state"] == "paused")
        web.ask("/torrents/delete", {"hashes": [film_hash], "deleteData": False})
        until("its end", lambda: daemon.list() == {})
        assert daemon.read("moved/film") == content
    except Exception:
        log.flush()
        print(open(log.name).read()[-3000:], file=sys.stderr)
        raise
    finally:
        flood.terminate()
        flood.wait()


def gtk(daemon, command):
    """A file it is started with, stops, starts, a move, and removals with files and without, by its keys and dialogs. It has no words for
    labels, and refuses magnet links by itself where DHT is off, as it is here. A picture of its list is left, to be looked at."""
    film, _ = daemon.complete("film")
    content = daemon.read("film")
    album, _ = daemon.complete("album", ["a", "b"])
    daemon.teem("add", album)
    folder = os.path.join(daemon.at, ".config/transmission-remote-gtk")
    os.makedirs(folder)
    profile = {"profile-name": "Default", "hostname": daemon.host, "port": int(daemon.port), "username": "me",
               "password": daemon.token, "auto-connect": True, "ssl": False, "rpc-url-path": "/transmission/rpc",
               "update-interval": 1, "min-update-interval": 1}
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump({"profile-id": 0, "profiles": [profile], "add-options-dialog": False}, file)
    display = ":97"
    env = dict(daemon.env, DISPLAY=display, XDG_CONFIG_HOME=os.path.join(daemon.at, ".config"), NO_AT_BRIDGE="1")

    def do(*words):
        return subprocess.run(["xdotool", *words], env=env, capture_output=True, text=True).stdout

    def windows():
        """Name, left, top, width and height of each window that is shown."""
        for window in do("search", "--onlyvisible", "--name", ".*").split():
            facts = dict(line.split("=") for line in do("getwindowgeometry", "--shell", window).split())
            yield (do("getwindowname", window).strip(), *(int(facts[key]) for key in ("X", "Y", "WIDTH", "HEIGHT")))

    def dialog(name):
        """Where the dialog of that name is; that of a question has none, and is neither a whole screen nor a point."""
        found = []
        until(f"the dialog {name!r}", lambda: found.extend(w for w in windows() if w[0] == name and 1 < w[3] < 900) or found)
        return found[0]

    def click(at, right, down):
        do("mousemove", str(at[1] + right), str(at[2] + down), "click", "1")
        time.sleep(0.5)

    def row(number):
        do("mousemove", "600", str(90 + 67 * number), "click", "1")
        time.sleep(0.5)

    def agree():
        at = dialog("")
        click(at, at[3] * 3 // 4, at[4] - 18)

    screen = subprocess.Popen(["Xvfb", display, "-screen", "0", "1200x700x24"], stderr=subprocess.DEVNULL)
    window = None
    try:
        until("its screen", lambda: do("getdisplaygeometry"))
        window = subprocess.Popen([command, film], env=env, stderr=subprocess.DEVNULL)
        until("its window", lambda: any("Transmission" in one[0] for one in windows()))
        for name in ("film", "album"):
            daemon.until("all of it", name, lambda one: one["state"] == "seeding")
        time.sleep(5)
        picture = os.path.abspath(os.environ.get("PICTURE", "transmission-remote-gtk.png"))
        subprocess.run(["import", "-window", "root", picture], env=env, check=True)
        print(f"gtk: look at {picture}")
        row(0)
        do("key", "ctrl+a")
        for key, state in (("ctrl+p", "paused"), ("ctrl+r", "seeding")):
            do("key", key)
            for name in ("film", "album"):
                daemon.until(state, name, lambda one: one["state"] == state)
        moved = os.path.join(daemon.root, "moved")
        row(1)
        do("key", "ctrl+m")
        at = dialog("Move film")
        click(at, 187, 30)
        do("type", moved)
        click(at, 267, 98)
        daemon.until("its new place", "film", lambda one: one["folder"] == moved and one["state"] == "seeding")
        assert daemon.read("moved/film") == content and "film" not in daemon.tree()
        daemon.put("album/strange")
        row(0)
        do("key", "shift+Delete")
        agree()
        until("its end", lambda: "album" not in daemon.list())
        until("its files' end", lambda: "album/a" not in daemon.tree() and "album/b" not in daemon.tree())
        assert "album/strange" in daemon.tree()
        time.sleep(3)
        row(0)
        do("key", "Delete")
        agree()
        until("its end", lambda: "film" not in daemon.list())
        assert daemon.read("moved/film") == content
    finally:
        if window:
            window.terminate()
            window.wait()
        screen.terminate()
        screen.wait()


def main():
    wanted = sys.argv[1:] or ["flexget", "flood", "gtk"]
    commands = {
        "flexget": os.environ.get("FLEXGET") or shutil.which("flexget"),
        "flood": os.environ.get("FLOOD") or shutil.which("flood"),
        "gtk": shutil.which("transmission-remote-gtk") if shutil.which("Xvfb") else None,
    }
    for name in wanted:
        command = commands[name]
        if not command:
            print(f"skipped: {name} is not there")
            continue
        turns = {"flexget": [flexget], "gtk": [gtk]}.get(name) or [
            lambda daemon, command: flood_on(daemon, command, "tr"),
            lambda daemon, command: flood_on(daemon, command, "qb"),
        ]
        for turn in turns:
            daemon = Daemon(name)
            try:
                turn(daemon, command)
            finally:
                daemon.end()
        print(f"{name}: all as wanted")


main()
