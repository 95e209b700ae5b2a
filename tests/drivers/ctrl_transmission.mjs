// @ctrl/transmission (npm) adds, labels, limits, chooses files, pauses, moves, renames, changes trackers and removes.
import assert from 'node:assert';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { setTimeout } from 'node:timers/promises';

const require = createRequire(pathToFileURL(`${process.env.NODE_PATH}/`));
const { Transmission } = await import(pathToFileURL(require.resolve('@ctrl/transmission')));

const { ROOT, NAME } = process.env;
const client = new Transmission({
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
const torrent = readFileSync(process.env.TORRENT);
const answer = await client.addTorrent(torrent, { 'download-dir': ROOT, paused: true, labels: ['tv'] });
const added = await client.getTorrent(answer.arguments['torrent-added'].hashString);
assert.equal(added.name, NAME);
assert.equal(added.label, 'tv');
assert.equal(added.state, 'paused');
await client.resumeTorrent(added.id);
const seeds = async () => (await client.getTorrent(added.id)).state === 'seeding';
await until('all of it', seeds);
const all = await client.getAllData();
assert.equal(all.torrents[0].progress, 1);
assert.deepEqual(all.labels.map((label) => label.name), ['tv']);
await client.moveTorrent(added.id, `${ROOT}/moved`);
await until('its new place', async () => (await client.getTorrent(added.id)).savePath === `${ROOT}/moved` && (await seeds()));
assert(readFileSync(`${ROOT}/moved/${NAME}`).equals(content) && !existsSync(`${ROOT}/${NAME}`));
await client.renamePath(added.id, { path: NAME, name: 'renamed' });
await until('its new name', seeds);
assert(readFileSync(`${ROOT}/moved/renamed`).equals(content) && !existsSync(`${ROOT}/moved/${NAME}`));
await client.setTorrent(added.id, { uploadLimit: 50, uploadLimited: true, trackerAdd: ['udp://127.0.0.1:9/announce'] });
const told = await client.listTorrents(added.id, ['uploadLimit', 'trackers']);
assert.equal(told.arguments.torrents[0].uploadLimit, 50);
assert.equal(told.arguments.torrents[0].trackers.length, 2);
await client.verifyTorrent(added.id);
await until('another look', seeds);
await client.reannounceTorrent(added.id);
await client.queueTop(added.id);

// Where it is told no folder it asks for one of its own.
const album = await client.addTorrent(readFileSync(process.env.ALBUM), { 'download-dir': ROOT, 'files-unwanted': [1], 'priority-high': [2] });
const id = album.arguments['torrent-added'].hashString;
const files = (await client.listTorrents(id, ['wanted', 'priorities'])).arguments.torrents[0];
assert.deepEqual([files.wanted, files.priorities], [[1, 0, 1], [0, 0, 1]]);
await until('the files', async () => (await client.getTorrent(id)).state === 'seeding');
writeFileSync(`${ROOT}/album/strange`, 'not its own');
await client.removeTorrent(id, true);
assert(existsSync(`${ROOT}/album/strange`) && !existsSync(`${ROOT}/album/a`) && !existsSync(`${ROOT}/album/c`));

const song = await client.addMagnet(process.env.MAGNET, { 'download-dir': ROOT, paused: true });
await client.removeTorrent(song.arguments['torrent-added'].hashString, false);
await client.setSession({ 'speed-limit-down': 100, 'speed-limit-down-enabled': true });
assert.equal((await client.getSession()).arguments['speed-limit-down'], 100);
await client.pauseTorrent(added.id);
await client.removeTorrent(added.id, false);
assert.equal((await client.getAllData()).torrents.length, 0);
assert(readFileSync(`${ROOT}/moved/renamed`).equals(content));
