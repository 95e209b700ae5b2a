// One webtorrent client with one torrent. Says "done" when it has all.
import { readFileSync } from 'node:fs'
const { default: WebTorrent } = await import(modules + '/webtorrent/index.js')
const off = { dht: false, lsd: false, utp: false, utPex: false, natUpnp: false, natPmp: false, webSeeds: false, secure: 0 }
const client = new WebTorrent({ ...off, torrentPort: o.port, uploadLimit: o.up || -1 })
client.on('error', error => { console.error(error); process.exit(1) })
const link = o.link.startsWith('magnet:') ? o.link : readFileSync(o.link)
const torrent = client.add(link, { path: o.folder })
for (const name of ['infoHash', 'metadata', 'ready', 'warning', 'noPeers', 'wire']) {
  torrent.on(name, what => console.error(name, String(what?.remoteAddress ?? what ?? '')))
}
torrent.on('done', () => console.log('done'))
