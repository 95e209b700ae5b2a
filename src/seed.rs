//! `teem seed`: serves content that is already there, and changes nothing on the disk.
use crate::exit::{Exit, Outcome, Stop};
use crate::sandbox::Sandbox;
use crate::signals::Signals;
use crate::view::{self, View};
use crate::{addr, cli, data, fault, json, keep, stdin, stdout};
use std::path::Path;
use teem_client::config::AGENT;
use teem_client::http::fetch::Http;
use teem_client::{Add, Config, source};

pub(crate) async fn run(options: &cli::Seed, sandbox: &Sandbox) -> Outcome {
    let listen = addr::listen(options.listen.as_deref(), true)?;
    let mut signals = Signals::listen().map_err(Stop::local)?;
    let source = if stdin::is_dash(&options.torrent) {
        stdin::source(&Http::new(options.path.path(false).await?, AGENT)).await?
    } else {
        let bytes = source::read_limited(Path::new(&options.torrent)).map_err(|e| Stop::link(&e))?;
        source::from_bytes(&options.torrent, &bytes).map_err(|e| Stop::link(&e))?
    };
    let Some(info) = source.info.clone() else {
        return Err(Stop::usage("seeding needs a .torrent file; a magnet link alone is not enough"));
    };
    let place = data::locate(&info, options.data.as_deref(), &options.torrent)?;
    keep::refuse_what_is_kept(info.key().wire(), &place.folder, place.name.as_deref().or(Some(info.name()))).await?;
    let mut config = Config::new().map_err(Stop::local)?;
    (config.listen, config.up) = (listen, options.up.and_then(|r| r.0));
    options.with_peers.apply(&mut config);
    options.path.apply(options.listen.as_deref(), &mut config).await?;
    options.with_dht.apply(&mut config);
    let client = fault::start(config).await.map_err(|e| addr::taken(&e))?;
    if options.json {
        json::line(&serde_json::json!({"event": "listening", "port": client.port()}));
        stdout::check()?;
    }
    sandbox.tell(options.json);
    let mut view = View::new(&client, options.json);
    view.tell_reach();
    view.tell_why(options.with_why.why);
    view.say(&format!("listening on port {}", client.port()));
    for hint in &source.hints {
        view.say(&format!("hint: {hint}"));
    }
    let left_out = source.left_out.clone();
    let mut add = Add::publish(source, place.folder);
    add.name = place.name;
    (add.spreading, add.cooperative) = (options.spread.spreading(), options.spread.cooperative);
    let torrent = client.add(add).await.map_err(|e| Stop::not_added(&e))?;
    view.add(&torrent, Some(info.name().to_owned()), left_out);
    let mut tick = tokio::time::interval(view::EVERY);
    let outcome = loop {
        tokio::select! {
            exit = signals.first() => break Ok(exit),
            _ = tick.tick() => view.draw().await,
            ended = torrent.ended() => break Err(Stop::ended(ended)),
        }
    };
    view.last_words(false);
    client.shutdown().await;
    view.afterwards();
    match outcome {
        Ok(exit @ (Exit::Interrupted | Exit::Terminated)) => Ok(exit),
        other => other,
    }
}
