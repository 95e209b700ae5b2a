"""transmission-rpc (PyPI) adds, labels, limits, chooses files, pauses, moves, renames, changes trackers and removes."""
import os

import transmission_rpc

from disk import ROOT, is_there, put, read, until

NAME = os.environ["NAME"]
client = transmission_rpc.Client(
    host=os.environ["HOST"], port=int(os.environ["PORT"]), username="me", password=os.environ["TOKEN"]
)
session = client.get_session()
assert session.rpc_version == 17, session.rpc_version
assert session.download_dir == ROOT
content = read(NAME)
with open(os.environ["TORRENT"], "rb") as file:
    film = client.add_torrent(file.read(), labels=["tv"], paused=True).id
torrent = client.get_torrent(film)
assert torrent.name == NAME and torrent.labels == ["tv"], torrent.fields
assert torrent.status == "stopped"
assert [file.name for file in torrent.get_files()] == [NAME], torrent.get_files()
client.change_torrent(film, labels=["tv", "new"], upload_limit=50, upload_limited=True, download_limited=False)
torrent = client.get_torrent(film)
assert sorted(torrent.labels) == ["new", "tv"] and torrent.upload_limit == 50, torrent.fields
client.start_torrent(film)
seeds = lambda: client.get_torrent(film).status == "seeding"
until("all of it", seeds)
assert client.get_torrent(film).percent_done == 1
client.move_torrent_data(film, location=f"{ROOT}/moved")
until("its new place", lambda: client.get_torrent(film).download_dir == f"{ROOT}/moved" and seeds())
assert read(f"moved/{NAME}") == content and not is_there(NAME)
client.rename_torrent_path(film, location=NAME, name="renamed")
until("its new name", seeds)
assert client.get_torrent(film).name == "renamed"
assert read("moved/renamed") == content and not is_there(f"moved/{NAME}")
client.verify_torrent(film)
until("another look", seeds)
client.reannounce_torrent(film)
client.change_torrent(film, tracker_add=["udp://127.0.0.1:9/announce"])
client.change_torrent(film, tracker_remove=[0])
assert [tracker.announce for tracker in client.get_torrent(film).trackers] == ["udp://127.0.0.1:9/announce"]
client.change_torrent(film, tracker_list=[["http://127.0.0.1:9/announce"]])
assert client.get_torrent(film).tracker_list == ["http://127.0.0.1:9/announce"]

with open(os.environ["ALBUM"], "rb") as file:
    album = client.add_torrent(file.read(), files_unwanted=[1], priority_high=[2]).id
told = [(file.name, file.selected, file.priority) for file in client.get_torrent(album).get_files()]
assert told == [("album/a", True, 0), ("album/b", False, 0), ("album/c", True, 1)], told
client.change_torrent(album, files_wanted=[1], files_unwanted=[0])
assert [file.selected for file in client.get_torrent(album).get_files()] == [False, True, True]
until("the files", lambda: client.get_torrent(album).status == "seeding")
put("album/strange")
client.remove_torrent(album, delete_data=True)
assert is_there("album/strange") and not is_there("album/b") and not is_there("album/c")

song = client.add_torrent(os.environ["MAGNET"], paused=True, download_dir=f"{ROOT}/music").id
assert client.get_torrent(song).status == "stopped"
client.remove_torrent(song)

client.set_session(speed_limit_up=100, speed_limit_up_enabled=True, alt_speed_down=7)
session = client.get_session()
assert (session.speed_limit_up, session.speed_limit_up_enabled, session.alt_speed_down) == (100, True, 7)
client.stop_torrent(film)
assert client.get_torrent(film).status == "stopped"
assert client.session_stats().torrent_count == 1
assert client.free_space(ROOT) > 0
client.remove_torrent(film)
assert client.get_torrents() == []
assert read("moved/renamed") == content
