"""aioqbt (PyPI) adds, labels, limits, chooses files, pauses, moves, renames, changes trackers and removes."""
import asyncio
import os

from aioqbt.api import AddFormBuilder
from aioqbt.client import create_client

from disk import ROOT, is_there, put, read

NAME = os.environ["NAME"]


async def until(what, ready):
    for _ in range(1200):
        if await ready():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(what)


def file_of(name):
    with open(os.environ[name], "rb") as file:
        return file.read()


async def main():
    # It keeps no cookies of addresses.
    url = f"http://localhost:{os.environ['PORT']}/api/v2/"
    content = read(NAME)
    async with await create_client(url, username="me", password=os.environ["TOKEN"]) as client:
        form = AddFormBuilder.with_client(client).include_file(file_of("TORRENT"), "x.torrent").category("tv").stopped(True)
        await client.torrents.add(form.build())
        (torrent,) = await client.torrents.info()
        film = torrent.hash
        assert (torrent.name, torrent.category) == (NAME, "tv"), torrent

        async def told(hash=film):
            return (await client.torrents.info(hashes=[hash]))[0]

        async def seeds(hash=film):
            return (await told(hash)).state.value == "stalledUP"

        await client.torrents.start([film])
        await until("all of it", seeds)
        await client.torrents.add_tags([film], ["new"])
        assert await client.torrents.tags() == ["new"]
        sync = await client.sync.maindata()
        assert film in sync.torrents
        await client.torrents.set_location([film], f"{ROOT}/moved")

        async def is_moved():
            return (await told()).save_path == f"{ROOT}/moved" and await seeds()

        await until("its new place", is_moved)
        assert read(f"moved/{NAME}") == content and not is_there(NAME)
        await client.torrents.rename_file(film, NAME, "renamed")
        await until("its new name", seeds)
        assert read("moved/renamed") == content and not is_there(f"moved/{NAME}")
        await client.torrents.set_upload_limit([film], 50_000)
        assert await client.torrents.upload_limit([film]) == {film: 50_000}
        await client.torrents.recheck([film])
        await until("another look", seeds)
        await client.torrents.reannounce([film])
        await client.torrents.add_trackers(film, ["udp://127.0.0.1:9"])
        await client.torrents.edit_tracker(film, "udp://127.0.0.1:9", "udp://127.0.0.1:7")
        await client.torrents.remove_trackers(film, ["http://127.0.0.1:9/announce"])
        assert [tracker.url for tracker in await client.torrents.trackers(film)] == ["udp://127.0.0.1:7"]

        await client.torrents.add(AddFormBuilder.with_client(client).include_file(file_of("ALBUM"), "y.torrent").build())
        (album,) = [torrent.hash for torrent in await client.torrents.info() if torrent.name == "album"]
        await client.torrents.file_prio(album, [1], 0)
        assert [file.priority for file in await client.torrents.files(album)] == [1, 0, 1]

        async def album_seeds():
            return await seeds(album)

        await until("the files", album_seeds)
        put("album/strange")
        await client.torrents.delete([album], True)
        assert is_there("album/strange") and not is_there("album/a") and not is_there("album/c")

        await client.torrents.add(
            AddFormBuilder.with_client(client).include_url(os.environ["MAGNET"]).stopped(True).build()
        )
        (song,) = [torrent.hash for torrent in await client.torrents.info() if torrent.hash != film]
        await client.torrents.delete([song], False)
        await client.transfer.set_upload_limit(92_160)
        assert await client.transfer.upload_limit() == 92_160
        await client.torrents.stop([film])
        await client.torrents.delete([film], False)
        assert await client.torrents.info() == []
        assert read("moved/renamed") == content


asyncio.run(main())
