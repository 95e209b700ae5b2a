//! The way to the world, as options say it: from which interface or address everything leaves.
use crate::exit::Stop;
use crate::filter;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueHint};
use std::path::PathBuf;
use teem_client::path::{Bind, Path, Proxy};
use teem_client::{Config, through};

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
    /// Reach everything through this proxy and nothing past it: `socks5://[USER:PASSWORD@]HOST:PORT`, or the same with `http`; it looks names up. uTP, DHT and trackers
    /// over UDP go by its relay where it has one (SOCKS5 alone), and else not at all; nobody is let in unless --listen is given
    #[arg(long, value_name = "URL", env = "TEEM_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,
    /// Say nothing that tells this client, its version or where it listens (BEP 37): no name in requests, handshakes and peer ids, no local discovery, no mapping. Needs --proxy
    #[arg(long, env = "TEEM_ANONYMOUS", hide_env_values = true, value_parser = FalseyValueParser::new())]
    pub(crate) anonymous: bool,
}

impl PathOptions {
    /// The way that they allow.
    pub(crate) async fn path(&self, listens: bool) -> Result<Path, Stop> {
        let path = Path::bound(self.bind.clone());
        filter::load(&path, &self.filter)?;
        let Some(proxy) = &self.proxy else {
            let seen = Stop::usage("--anonymous needs --proxy: without one everybody sees this machine's address");
            return if self.anonymous { Err(seen) } else { Ok(path) };
        };
        // Not read by the grammar, whose errors repeat what was typed.
        let proxy = proxy.parse::<Proxy>().map_err(|e| Stop::usage(format!("--proxy: {e}")))?;
        through(&path, proxy, listens).await.map_err(Stop::local)
    }

    /// Sets what the client is to do.
    pub(crate) async fn set(&self, listen: Option<&str>, config: &mut Config) -> Result<(), Stop> {
        config.path = self.path(listen.is_some()).await?;
        config.anonymous = self.anonymous;
        Ok(())
    }

    /// Sets what the client is to do, and has the lists read again at SIGHUP.
    pub(crate) async fn apply(&self, listen: Option<&str>, config: &mut Config) -> Result<(), Stop> {
        self.set(listen, config).await?;
        filter::reread(&config.path, &self.filter);
        Ok(())
    }
}
