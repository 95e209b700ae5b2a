// @ctrl/qbittorrent (npm) adds, labels, limits, chooses files, pauses, moves, renames, changes trackers and removes.
import assert from 'node:assert';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setTimeout } from 'node:timers/promises';

const require = createRequire(pathToFileURL(`${process.env.NODE_PATH}/`));
const { QBittorrent } = await import(pathToFileURL(require.resolve('@ctrl/qbittorrent')));

const { ROOT, NAME } = process.env;
const client = new QBittorrent({
  baseUrl: `http://${process.env.HOST}:${process.env.PORT}/`,
  username: 'me',
  password: process.env.TOKEN,
});
const until = async (what, ready) => {
  for (let tries = 0; tries < 1200; tries++) {
    if (await ready()) return;
    await setTimeout(50);
  }
  assert.fail(what);
};
const content = readFileSync(`${ROOT}/${NAME}`);
const added = await client.normalizedAddTorrent(new Uint8Array(readFileSync(process.env.TORRENT)), { startPaused: true, label: 'tv' });
assert.equal(added.name, NAME);
assert.equal(added.label, 'tv');
assert.equal(added.state, 'paused');
await client.resumeTorrent(added.id);
const told = async (hashes = added.id) => (await client.listTorrents({ hashes }))[0];
const seeds = async () => (await told()).state === 'stalledUP';
await until('all of it', seeds);
assert.equal((await client.getAllData()).torrents[0].progress, 1);
await client.setTorrentCategory(added.id, '');
await client.addTorrentTags(added.id, 'new');
assert.deepEqual(await client.getTags(), ['new']);
await client.setTorrentLocation(added.id, `${ROOT}/moved`);
await until('its new place', async () => (await told()).save_path === `${ROOT}/moved` && (await seeds()));
assert(readFileSync(`${ROOT}/moved/${NAME}`).equals(content) && !existsSync(`${ROOT}/${NAME}`));
await client.renameFile(added.id, NAME, 'renamed');
await until('its new name', seeds);
assert(readFileSync(`${ROOT}/moved/renamed`).equals(content) && !existsSync(`${ROOT}/moved/${NAME}`));
await client.setTorrentDownloadLimit(added.id, 50_000);
assert.equal((await told()).dl_limit, 50_000);
await client.recheckTorrent(added.id);
await until('another look', seeds);
await client.reannounceTorrent(added.id);
// Its `editTrackers` asks for what qBittorrent has not either.
await client.addTrackers(added.id, 'udp://127.0.0.1:7');
await client.removeTrackers(added.id, 'http://127.0.0.1:9/announce');
assert.deepEqual((await client.torrentTrackers(added.id)).map((tracker) => tracker.url), ['udp://127.0.0.1:7']);

await client.addTorrent(new Uint8Array(readFileSync(process.env.ALBUM)), { filename: 'album.torrent' });
const album = (await client.listTorrents()).find((torrent) => torrent.name === 'album').hash;
await client.setFilePriority(album, '1', 0);
assert.deepEqual((await client.torrentFiles(album)).map((file) => file.priority), [1, 0, 1]);
await until('the files', async () => (await told(album)).state === 'stalledUP');
writeFileSync(`${ROOT}/album/strange`, 'not its own');
await client.removeTorrent(album, true);
assert(existsSync(`${ROOT}/album/strange`) && !existsSync(`${ROOT}/album/a`) && !existsSync(`${ROOT}/album/c`));

await client.addMagnet(process.env.MAGNET, { stopped: 'true' });
const song = (await client.listTorrents()).find((torrent) => torrent.hash !== added.id).hash;
await client.removeTorrent(song, false);
await client.setPreferences({ up_limit: 90_000 });
assert.equal((await client.getPreferences()).up_limit, 90_000);
await client.pauseTorrent(added.id);
await client.removeTorrent(added.id, false);
assert.equal((await client.getAllData()).torrents.length, 0);
assert(readFileSync(`${ROOT}/moved/renamed`).equals(content));
