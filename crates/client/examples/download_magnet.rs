//! Downloads a link into a folder, and shows how it goes: `cargo run --example download_magnet -- LINK FOLDER`.
use std::time::Duration;
use teem_client::{Add, Client, Config, Listen, source};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(link), Some(folder)) = (args.next(), args.next()) else {
        return Err("usage: download_magnet LINK FOLDER".into());
    };
    let mut config = Config::new()?;
    config.listen = Listen { port: 0, ..Listen::default() };
    let client = Client::start(config).await?;
    let source = source::load(&link, client.http()).await?;
    let torrent = client.add(Add::download(source, &folder)).await?;

    let mut tick = tokio::time::interval(Duration::from_secs(1));
    let done = loop {
        tokio::select! {
            done = torrent.finished() => break done,
            _ = tick.tick() => {
                let now = torrent.snapshot().await?;
                eprintln!("{}: {} of {} bytes, {} B/s", now.state.word(), now.have, now.wanted, now.down_rate);
            }
        }
    };
    // Trackers are told and state is saved, whether it went well or not.
    client.shutdown().await;
    let done = done?;
    eprintln!("{} is complete; gave back {} bytes", done.path.display(), done.uploaded);
    Ok(())
}
