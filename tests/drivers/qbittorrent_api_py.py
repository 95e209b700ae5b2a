"""qbittorrent-api (PyPI) adds, labels, limits, chooses files, pauses, moves, renames, changes trackers, removes, and follows maindata."""
import os

import qbittorrentapi

from disk import ROOT, is_there, put, read, until

NAME = os.environ["NAME"]
client = qbittorrentapi.Client(
    host=f"http://{os.environ['HOST']}:{os.environ['PORT']}", username="me", password=os.environ["TOKEN"]
)
client.auth_log_in()
assert client.app.version == "v5.1.4" and client.app.web_api_version == "2.11.4"
assert client.app.preferences.save_path == ROOT
assert client.app.default_save_path == ROOT
content = read(NAME)
client.torrents_create_category(name="tv", save_path="series")
result = client.torrents_add(
    torrent_files=os.environ["TORRENT"], category="tv", tags=["a", "b"], is_stopped=True, save_path=ROOT
)
assert result == "Ok.", result
(torrent,) = client.torrents_info(category="tv")
film = torrent.hash
assert torrent.name == NAME and torrent.tags == "a, b" and torrent.state == "stoppedDL", torrent
assert torrent.save_path == ROOT and torrent.content_path == f"{ROOT}/{NAME}"
assert client.torrents_categories()["tv"]["savePath"] == f"{ROOT}/series"
main = client.sync_maindata(rid=0)
assert main.full_update and film in main.torrents and [str(tag) for tag in main.tags] == ["a", "b"], main.tags
again = client.sync_maindata(rid=main.rid)
assert "torrents" not in again, again
client.torrents_start(torrent_hashes=film)
told = lambda: client.torrents_info(torrent_hashes=film)[0]
seeds = lambda: told().state == "stalledUP"
until("all of it", seeds)
changed = client.sync_maindata(rid=again.rid)
assert changed.torrents[film].progress == 1, changed
client.torrents_create_category(name="films")
client.torrents_set_category(torrent_hashes=film, category="films")
client.torrents_remove_tags(torrent_hashes=film, tags="a")
client.torrents_set_upload_limit(torrent_hashes=film, limit=50_000)
client.torrents_set_share_limits(torrent_hashes=film, ratio_limit=2, seeding_time_limit=-2, inactive_seeding_time_limit=-1)
torrent = told()
assert (torrent.category, torrent.tags, torrent.up_limit, torrent.ratio_limit) == ("films", "b", 50_000, 2), torrent
assert [file.name for file in client.torrents_files(torrent_hash=film)] == [NAME]
assert client.torrents_properties(torrent_hash=film).pieces_num == 7
assert client.torrents_piece_states(torrent_hash=film) == [2] * 7
client.torrents_set_location(torrent_hashes=film, location=f"{ROOT}/moved")
until("its new place", lambda: told().save_path == f"{ROOT}/moved" and seeds())
assert read(f"moved/{NAME}") == content and not is_there(NAME)
client.torrents_rename_file(torrent_hash=film, old_path=NAME, new_path="renamed")
until("its new name", lambda: told().content_path == f"{ROOT}/moved/renamed" and seeds())
assert read("moved/renamed") == content and not is_there(f"moved/{NAME}")
client.torrents_recheck(torrent_hashes=film)
until("another look", seeds)
client.torrents_reannounce(torrent_hashes=film)
urls = lambda: [tracker.url for tracker in client.torrents_trackers(torrent_hash=film)]
assert urls() == ["http://127.0.0.1:9/announce"]
client.torrents_add_trackers(torrent_hash=film, urls=["udp://127.0.0.1:9", "udp://127.0.0.1:8"])
client.torrents_edit_tracker(torrent_hash=film, original_url="udp://127.0.0.1:8", new_url="udp://127.0.0.1:7")
client.torrents_remove_trackers(torrent_hash=film, urls="http://127.0.0.1:9/announce")
assert urls() == ["udp://127.0.0.1:9", "udp://127.0.0.1:7"], urls()

client.torrents_add(torrent_files=os.environ["ALBUM"], content_layout="Original", use_auto_torrent_management=False)
(album,) = [torrent.hash for torrent in client.torrents_info() if torrent.name == "album"]
client.torrents_file_priority(torrent_hash=album, file_ids=[1], priority=0)
client.torrents_file_priority(torrent_hash=album, file_ids=[2], priority=7)
assert [file.priority for file in client.torrents_files(torrent_hash=album)] == [1, 0, 6]
until("the files", lambda: client.torrents_info(torrent_hashes=album)[0].state == "stalledUP")
client.torrents_rename_folder(torrent_hash=album, old_path="album", new_path="record")
until("its new name", lambda: is_there("record/a") and not is_there("album/a"))
put("record/strange")
client.torrents_delete(delete_files=True, torrent_hashes=album)
assert is_there("record/strange") and not is_there("record/a") and not is_there("record/c")

client.torrents_add(urls=os.environ["MAGNET"], is_stopped=True)
(song,) = [torrent.hash for torrent in client.torrents_info() if torrent.hash != film]
client.torrents_delete(delete_files=False, torrent_hashes=song)

client.transfer_set_download_limit(limit=200_000)
client.app_set_preferences({"alt_up_limit": 7_000, "max_ratio_enabled": True, "max_ratio": 3})
preferences = client.app_preferences()
assert (preferences.dl_limit, preferences.alt_up_limit, preferences.max_ratio) == (200_000, 7_000, 3), preferences
client.torrents_stop(torrent_hashes="all")
assert told().state == "stoppedUP"
client.torrents_remove_categories(categories="films")
client.torrents_delete_tags(tags="b")
assert (told().category, told().tags) == ("", "")
before = client.sync_maindata(rid=0)
client.torrents_delete(delete_files=False, torrent_hashes=film)
gone = client.sync_maindata(rid=before.rid)
assert list(gone.torrents_removed) == [film], gone
assert read("moved/renamed") == content
client.auth_log_out()
