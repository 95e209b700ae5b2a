//! Shares a file or folder until standard input ends: `cargo run --example share_folder -- PATH`. The first line on standard
//! output is the magnet link.
#![allow(clippy::print_stdout)] // the link is this program's output
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use teem_client::create::hash;
use teem_client::create::recipe::{Recipe, Wishes};
use teem_client::publish::share::{ShareOptions, share};
use teem_client::{Client, Config, Listen};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: share_folder PATH")?;
    let mut config = Config::new()?;
    config.listen = Listen { port: 0, ..Listen::default() };
    let client = Client::start(config).await?;

    let recipe = Recipe::new(Path::new(&path), &Wishes::default())?;
    let mut digests = hash::run(&recipe, None, &AtomicU64::new(0), &AtomicBool::new(false))?;
    let mut options = ShareOptions::default();
    options.tracker = true;
    let shared = share(&client, &recipe, &mut digests, &options).await?;
    println!("{}", shared.magnet);

    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    drop(shared);
    client.shutdown().await;
    Ok(())
}
