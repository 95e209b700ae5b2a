//! Everything around a seed that lets strangers find it: addresses, links, a tracker, the .torrent over HTTP (BEP 3, 9).
//!
//! [`share::share`] does all of it for content that lies on this machine, on the client's one port. It takes a recipe and its digests, which
//! [`create`](crate::create) makes, and gives the links to hand out. They work until what it returns is dropped.
//!
//! ```no_run
//! use std::path::PathBuf;
//! use std::sync::atomic::{AtomicBool, AtomicU64};
//! use teem_client::create::hash;
//! use teem_client::create::recipe::{Recipe, Wishes};
//! use teem_client::publish::share::{ShareOptions, share};
//!
//! # async fn publish(client: teem_client::Client, path: PathBuf) -> Result<(), Box<dyn std::error::Error>> {
//! // Listing and hashing block, and can be watched and stopped.
//! let made = tokio::task::spawn_blocking(move || {
//!     let recipe = Recipe::new(&path, &Wishes::default())?;
//!     let digests = hash::run(&recipe, None, &AtomicU64::new(0), &AtomicBool::new(false))?;
//!     Ok::<_, teem_client::create::recipe::MakeError>((recipe, digests))
//! });
//! let (recipe, mut digests) = made.await??;
//! let mut options = ShareOptions::default();
//! options.tracker = true;
//! let shared = share(&client, &recipe, &mut digests, &options).await?;
//! eprintln!("{}", shared.magnet);
//! shared.torrent.ended().await;
//! # Ok(())
//! # }
//! ```
pub mod addresses;
pub mod links;
pub mod offer;
mod offered;
pub mod share;
