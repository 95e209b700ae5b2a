"""aioqbt (PyPI) adds, labels, pauses and removes."""
import asyncio
import os

from aioqbt.api import AddFormBuilder
from aioqbt.client import create_client


async def main():
    # It keeps no cookies of addresses.
    url = f"http://localhost:{os.environ['PORT']}/api/v2/"
    async with await create_client(url, username="me", password=os.environ["TOKEN"]) as client:
        with open(os.environ["TORRENT"], "rb") as file:
            form = AddFormBuilder.with_client(client).include_file(file.read(), "x.torrent").category("tv").stopped(True)
        await client.torrents.add(form.build())
        (torrent,) = await client.torrents.info()
        assert (torrent.name, torrent.category) == (os.environ["NAME"], "tv"), torrent
        await client.torrents.start([torrent.hash])
        while (await client.torrents.info())[0].progress < 1:
            pass
        await client.torrents.add_tags([torrent.hash], ["new"])
        assert await client.torrents.tags() == ["new"]
        sync = await client.sync.maindata()
        assert torrent.hash in sync.torrents
        await client.torrents.stop([torrent.hash])
        await client.torrents.delete([torrent.hash], False)
        assert await client.torrents.info() == []


asyncio.run(main())
