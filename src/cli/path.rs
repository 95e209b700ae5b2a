//! The way to the world, as options say it: from which interface or address everything leaves.
use crate::exit::Stop;
use crate::filter;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use teem_client::Config;
use teem_client::path::{Bind, Path};

/// The options of every command that speaks to others for a torrent.
#[derive(Args, Debug, Clone)]
pub(crate) struct PathOptions {
    /// Speak and listen only by this interface, or from this address; may be given several times, and the first that can be used is taken. When it goes
    /// everything stops until it is back; names are asked for by it too
    #[arg(long, value_name = "IFACE|ADDR", env = "TEEM_BIND", hide_env_values = true, value_delimiter = ' ')]
    pub(crate) bind: Vec<Bind>,
    /// A list of addresses that are neither dialled nor let in: CIDR, ipfilter.dat or P2P lines, packed by gzip or not; may be given several times
    /// (one a line in the variable). SIGHUP reads it again
    #[arg(long, value_name = "FILE", env = "TEEM_FILTER", hide_env_values = true, value_delimiter = '\n', value_hint = ValueHint::FilePath)]
    pub(crate) filter: Vec<PathBuf>,
}

impl PathOptions {
    /// The way that they allow.
    pub(crate) fn path(&self) -> Result<Path, Stop> {
        let path = Path::bound(self.bind.clone());
        filter::load(&path, &self.filter)?;
        Ok(path)
    }

    /// Sets what the client is to do.
    pub(crate) fn apply(&self, config: &mut Config) -> Result<(), Stop> {
        config.path = self.path()?;
        filter::reread(&config.path, &self.filter);
        Ok(())
    }
}
