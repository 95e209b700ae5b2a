//! Ports of the router that lead here (own design; the protocols are [`teem_portmap`]'s): finds the router, carries the mapper's packets and requests, and
//! tells the engine the ports outside.
//!
//! One task owns all of it. It ends when its handle does, and takes back what is mapped before.
mod driver;
mod gateway;
mod ports;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use teem_wire::compact::Family;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long the end waits for the router; then its memory ends by itself.
const END_MAX: Duration = Duration::from_millis(1_500);

/// What a client holds of its mapper.
#[derive(Default)]
pub(crate) struct Handle {
    now: Arc<watch::Sender<Mappings>>,
    running: Mutex<Option<(watch::Sender<Wanted>, JoinHandle<()>)>>,
}

impl Handle {
    /// What is mapped, and whatever it becomes.
    pub(crate) fn watch(&self) -> watch::Receiver<Mappings> {
        self.now.subscribe()
    }

    /// Begins to map, as long as the handle lives. `told` hears of the port outside that leads to the port here, of each family.
    pub(crate) fn begin(
        &self,
        wanted: Wanted,
        http: crate::http::fetch::Http,
        told: impl Fn(Family, u16, Option<u16>) + Send + Sync + 'static,
    ) {
        let (sender, receiver) = watch::channel(wanted);
        let now = Arc::clone(&self.now);
        let task = tokio::spawn(async move {
            // A fault in here costs the mapping and nothing else.
            let driven = driver::drive(receiver, http, Arc::clone(&now), told);
            if let Err(why) = teem_fault::caught(driven).await {
                now.send_replace(Mappings { v4: Mapping::Failed(why.clone()), v6: Mapping::Failed(why) });
            }
        });
        *self.running() = Some((sender, task));
    }

    /// Another port or address is listened on.
    pub(crate) fn listens(&self, listen: Option<IpAddr>, port: u16) {
        if let Some((sender, _)) = &*self.running() {
            sender.send_modify(|wanted| (wanted.listen, wanted.port) = (listen, port));
        }
    }

    /// Takes back what is mapped.
    pub(crate) async fn end(&self) {
        let Some((sender, task)) = self.running().take() else { return };
        drop(sender);
        // A router that does not answer forgets by itself.
        let _ = tokio::time::timeout(END_MAX, task).await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<(watch::Sender<Wanted>, JoinHandle<()>)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) use driver::Wanted;
pub use ports::{Mapping, Mappings};
