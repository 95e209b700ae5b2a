"""qbittorrent-api (PyPI) adds, labels, limits, pauses and removes, and follows maindata."""
import os
import qbittorrentapi

client = qbittorrentapi.Client(
    host=f"http://{os.environ['HOST']}:{os.environ['PORT']}", username="me", password=os.environ["TOKEN"]
)
client.auth_log_in()
assert client.app.version == "v5.1.4" and client.app.web_api_version == "2.11.4"
assert client.app.preferences.save_path == os.environ["ROOT"]
assert client.app.default_save_path == os.environ["ROOT"]
client.torrents_create_category(name="tv", save_path="series")
result = client.torrents_add(
    torrent_files=os.environ["TORRENT"], category="tv", tags=["a", "b"], is_stopped=True, save_path=os.environ["ROOT"]
)
assert result == "Ok.", result
(torrent,) = client.torrents_info(category="tv")
assert torrent.name == os.environ["NAME"] and torrent.tags == "a, b" and torrent.state == "stoppedDL", torrent
assert torrent.save_path == os.environ["ROOT"] and torrent.content_path == f"{os.environ['ROOT']}/{os.environ['NAME']}"
assert client.torrents_categories()["tv"]["savePath"] == f"{os.environ['ROOT']}/series"
main = client.sync_maindata(rid=0)
assert main.full_update and torrent.hash in main.torrents and [str(tag) for tag in main.tags] == ["a", "b"], main.tags
again = client.sync_maindata(rid=main.rid)
assert "torrents" not in again, again
client.torrents_start(torrent_hashes=torrent.hash)
while client.torrents_info()[0].state != "stalledUP":
    pass
changed = client.sync_maindata(rid=again.rid)
assert changed.torrents[torrent.hash].progress == 1, changed
client.torrents_create_category(name="films")
client.torrents_set_category(torrent_hashes=torrent.hash, category="films")
client.torrents_remove_tags(torrent_hashes=torrent.hash, tags="a")
client.torrents_set_upload_limit(torrent_hashes=torrent.hash, limit=50_000)
(torrent,) = client.torrents_info(torrent_hashes=torrent.hash)
assert (torrent.category, torrent.tags, torrent.up_limit) == ("films", "b", 50_000), torrent
assert [file.name for file in client.torrents_files(torrent_hash=torrent.hash)] == [os.environ["NAME"]]
assert client.torrents_trackers(torrent_hash=torrent.hash)[0].url == "http://127.0.0.1:9/announce"
assert client.torrents_properties(torrent_hash=torrent.hash).pieces_num == 7
assert client.torrents_piece_states(torrent_hash=torrent.hash) == [2] * 7
client.torrents_stop(torrent_hashes="all")
assert client.torrents_info()[0].state == "stoppedUP"
client.torrents_remove_categories(categories="films")
client.torrents_delete_tags(tags="b")
assert (client.torrents_info()[0].category, client.torrents_info()[0].tags) == ("", "")
client.torrents_delete(delete_files=False, torrent_hashes=torrent.hash)
gone = client.sync_maindata(rid=changed.rid)
assert list(gone.torrents_removed) == [torrent.hash], gone
client.auth_log_out()
