"""transmission-rpc (PyPI) adds, labels, limits, chooses files, pauses and removes."""
import os
import transmission_rpc

client = transmission_rpc.Client(
    host=os.environ["HOST"], port=int(os.environ["PORT"]), username="me", password=os.environ["TOKEN"]
)
session = client.get_session()
assert session.rpc_version == 17, session.rpc_version
assert session.download_dir == os.environ["ROOT"]
with open(os.environ["TORRENT"], "rb") as file:
    added = client.add_torrent(file.read(), labels=["tv"], paused=True)
torrent = client.get_torrent(added.id)
assert torrent.name == os.environ["NAME"] and torrent.labels == ["tv"], torrent.fields
assert torrent.status == "stopped"
assert [file.name for file in torrent.get_files()] == [os.environ["NAME"]], torrent.get_files()
client.change_torrent(added.id, labels=["tv", "new"], upload_limit=50, upload_limited=True, download_limited=False)
torrent = client.get_torrent(added.id)
assert sorted(torrent.labels) == ["new", "tv"] and torrent.upload_limit == 50, torrent.fields
client.start_torrent(added.id)
while client.get_torrent(added.id).status != "seeding":
    pass
assert client.get_torrent(added.id).percent_done == 1
client.stop_torrent(added.id)
assert client.get_torrent(added.id).status == "stopped"
assert client.session_stats().torrent_count == 1
assert client.free_space(os.environ["ROOT"]) > 0
client.reannounce_torrent(added.id)
client.remove_torrent(added.id)
assert client.get_torrents() == []
