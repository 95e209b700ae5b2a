// @ctrl/qbittorrent (npm) adds, labels, pauses and removes.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(`${process.env.NODE_PATH}/`));
const { QBittorrent } = await import(pathToFileURL(require.resolve('@ctrl/qbittorrent')));

const client = new QBittorrent({
  baseUrl: `http://${process.env.HOST}:${process.env.PORT}/`,
  username: 'me',
  password: process.env.TOKEN,
});
const added = await client.normalizedAddTorrent(new Uint8Array(readFileSync(process.env.TORRENT)), { startPaused: true, label: 'tv' });
assert.equal(added.name, process.env.NAME);
assert.equal(added.label, 'tv');
assert.equal(added.state, 'paused');
await client.resumeTorrent(added.id);
let all = await client.getAllData();
while (all.torrents[0].progress !== 1) all = await client.getAllData();
await client.setTorrentCategory(added.id, '');
await client.pauseTorrent(added.id);
await client.removeTorrent(added.id, false);
assert.equal((await client.getAllData()).torrents.length, 0);
