"""One libtorrent session with one torrent. Argument: a JSON object with mode (seed or get), link, dir, at (address and port
to listen on), ip (that address alone), up (upload limit in bytes a second, 0 for none), super (whether a seed is to be one by BEP 16),
stock (whether all settings stay as they come; at, ip, up and super say nothing then), encryption (off, allow, prefer, require; may be missing), utp (whether nothing but uTP is spoken, or "too" where TCP is as well; may be missing),
pex (whether it exchanges peers; may be missing), lsd (whether it looks for peers in its network; may be missing), dht (nodes to begin with, by commas; in no DHT where there are none), and peer (an
address to connect to, at the port of at where it has none; may be missing).
Says "ready" once the session listens (get) or the content is checked (seed), and "done" when a download is whole and
written. Runs until it is killed."""
import json
import sys

import libtorrent as lt

job = json.loads(sys.argv[1])
settings = {
    "alert_mask": lt.alert.category_t.status_notification
    | lt.alert.category_t.error_notification
    | lt.alert.category_t.tracker_notification
    | lt.alert.category_t.connect_notification
    | lt.alert.category_t.dht_notification,
}
if not job["stock"]:
    settings.update({
        "listen_interfaces": job["at"],
        "outgoing_interfaces": job["ip"],
        "allow_multiple_connections_per_ip": True,
        "enable_dht": bool(job.get("dht")),
        "dht_bootstrap_nodes": job.get("dht") or "",
        "enable_lsd": bool(job.get("lsd")),
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_ip_notifier": False,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        "in_enc_policy": int(lt.enc_policy.enabled),
        "out_enc_policy": int(lt.enc_policy.disabled),
    })
if job.get("encryption"):
    forced, enabled, disabled = (int(p) for p in (lt.enc_policy.forced, lt.enc_policy.enabled, lt.enc_policy.disabled))
    taken, dialled = {
        "off": (disabled, disabled),
        "allow": (enabled, disabled),
        "prefer": (enabled, enabled),
        "require": (forced, forced),
    }[job["encryption"]]
    settings["in_enc_policy"], settings["out_enc_policy"] = taken, dialled
    if job["encryption"] == "require":
        settings["allowed_enc_level"] = int(lt.enc_level.rc4)
if job.get("utp"):
    tcp = job["utp"] == "too"
    settings.update({"enable_incoming_tcp": tcp, "enable_outgoing_tcp": tcp})
    settings.update({"enable_incoming_utp": True, "enable_outgoing_utp": True})
session = lt.session(settings)

if job["link"].startswith("magnet:"):
    params = lt.parse_magnet_uri(job["link"])
else:
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(job["link"])
params.save_path = job["dir"]
if not job["stock"]:
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    if not job.get("pex"):
        params.flags |= lt.torrent_flags.disable_pex
    if job["super"]:
        params.flags |= lt.torrent_flags.super_seeding
handle = session.add_torrent(params)
if not job["stock"] and job["up"]:
    handle.set_upload_limit(job["up"])
if job.get("peer"):
    ip, _, port = job["peer"].partition(":")
    handle.connect_peer((ip, int(port or job["at"].rsplit(":", 1)[1])))


def say(word):
    print(word, flush=True)


if job["mode"] == "get":
    say("ready")
while True:
    session.wait_for_alert(1000)
    for alert in session.pop_alerts():
        print(f"{type(alert).__name__}: {alert.message()}", file=sys.stderr, flush=True)
        if isinstance(alert, lt.dht_bootstrap_alert):
            # What was added before there was a node would be looked up a quarter of an hour later.
            handle.force_dht_announce()
        elif isinstance(alert, lt.torrent_finished_alert):
            if job["mode"] == "seed":
                say("ready")
            else:
                handle.flush_cache()
        elif isinstance(alert, lt.cache_flushed_alert) and job["mode"] == "get" and handle.status().is_seeding:
            say("done")
