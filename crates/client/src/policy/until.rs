//! When a download has given enough (own design).
use crate::bus::Heard;
use crate::status::Ended;
use crate::torrent::Torrent;
use std::time::Duration;
use teem_swarm::command::Command;
use teem_swarm::event::Event;

/// How long a download goes on seeding once it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Until {
    /// Not at all: it is enough that all is on the disk for good.
    Done,
    /// Until what was sent in this run, over the bytes that are wanted, is so many thousandths.
    Ratio(u64),
    /// For so long after that.
    Time(Duration),
    /// For ever: only the torrent's own end ends it.
    Stopped,
}

impl Until {
    /// Waits until a torrent is complete and durable, and has given so much. The error is why it cannot go on.
    pub async fn reached(self, torrent: &Torrent) -> Result<(), Ended> {
        torrent.durable().await?;
        match self {
            Self::Done => Ok(()),
            Self::Ratio(thousandths) => gave(torrent, thousandths).await,
            Self::Time(time) => tokio::select! {
                () = tokio::time::sleep(time) => Ok(()),
                ended = torrent.ended() => Err(ended),
            },
            Self::Stopped => Err(torrent.ended().await),
        }
    }
}

/// Waits for a ratio. When more files are chosen meanwhile, it is that of those.
async fn gave(torrent: &Torrent, thousandths: u64) -> Result<(), Ended> {
    loop {
        torrent.durable().await?;
        let figures = torrent.snapshot().await?;
        let enough = (u128::from(figures.wanted) * u128::from(thousandths)).div_ceil(1000);
        let enough = u64::try_from(enough).unwrap_or(u64::MAX);
        if figures.uploaded >= enough {
            return Ok(());
        }
        torrent.sent(enough).await?;
    }
}

impl Torrent {
    /// Waits until so many payload bytes have been sent in this run, pauses included.
    pub async fn sent(&self, bytes: u64) -> Result<(), Ended> {
        // Listened for first, so that nothing is said unheard.
        let mut events = self.events();
        while self.snapshot().await?.uploaded < bytes {
            self.command(Command::TellSent { torrent: self.id(), bytes })?;
            tokio::select! {
                // Of several who wait, one that waits for less may have been meant: then it is asked again.
                told = told(&mut events) => told?,
                ended = self.ended() => return Err(ended),
            }
        }
        Ok(())
    }
}

/// Waits until the engine says that something was reached, or may have said so.
async fn told(events: &mut crate::bus::Events) -> Result<(), Ended> {
    loop {
        match events.next().await {
            Some(Heard::Event(Event::Sent { .. }) | Heard::Lagged(_)) => return Ok(()),
            Some(Heard::Event(_)) => {}
            None => return Err(Ended::Removed),
        }
    }
}
