// @ctrl/transmission (npm) adds, labels, pauses and removes.
import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(`${process.env.NODE_PATH}/`));
const { Transmission } = await import(pathToFileURL(require.resolve('@ctrl/transmission')));

const client = new Transmission({
  baseUrl: `http://${process.env.HOST}:${process.env.PORT}/`,
  username: 'me',
  password: process.env.TOKEN,
});
const torrent = readFileSync(process.env.TORRENT);
const answer = await client.addTorrent(torrent, { 'download-dir': process.env.ROOT, paused: true, labels: ['tv'] });
const added = await client.getTorrent(answer.arguments['torrent-added'].hashString);
assert.equal(added.name, process.env.NAME);
assert.equal(added.label, 'tv');
assert.equal(added.state, 'paused');
await client.resumeTorrent(added.id);
let all = await client.getAllData();
while (all.torrents[0].state !== 'seeding') all = await client.getAllData();
assert.equal(all.torrents[0].progress, 1);
assert.deepEqual(all.labels.map((label) => label.name), ['tv']);
await client.pauseTorrent(added.id);
await client.removeTorrent(added.id, false);
assert.equal((await client.getAllData()).torrents.length, 0);
