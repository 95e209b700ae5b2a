//! Downloads a link into a folder: `cargo run --example download_magnet -- LINK FOLDER`.
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

    let info = torrent.metadata().await?;
    eprintln!("{}: {} bytes", info.name(), info.content_size());
    torrent.durable().await?;
    let figures = torrent.snapshot().await?;
    eprintln!("complete; gave back {} bytes", figures.uploaded);
    client.shutdown().await;
    Ok(())
}
