//! Which options go with `--keep` (own design): the daemon does the work then, and has a setting of its own for much of what one command can be told.
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

/// What the file says that the daemon is set up by.
const OF_THE_DAEMON: [&str; 12] = [
    "listen",
    "encryption",
    "transport",
    "no_map",
    "no_pex",
    "no_lsd",
    "bind",
    "filter",
    "proxy",
    "anonymous",
    "no_dht",
    "dht_bootstrap",
];

/// What cannot be handed to it, and why.
const APART: [(&str, &str); 9] = [
    ("frugal", "the daemon gives its content away as `teem share` does without it"),
    ("no_granting", "the daemon gives its content away as `teem share` does without it"),
    ("cooperative", "the daemon serves all kinds of peers"),
    ("peers", "the daemon finds peers by itself; a magnet link may name some (x.pe)"),
    ("why", "`teem why` asks the daemon"),
    ("files", "name the files with --only"),
    ("overwrite", "the daemon never writes into files of which nothing belongs to the torrent"),
    ("on_done", "the hooks of the daemon's file are run instead"),
    ("seed", "the daemon goes on seeding as its rules say; --until says it of this one"),
];

/// Refuses what was typed beside `--keep` and means nothing to the daemon. What the environment says is for other runs.
pub(super) fn refuse(command: &mut Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((name, matches)) = matches.subcommand() else { return Ok(()) };
    if !matches!(matches.try_get_one::<bool>("keep"), Ok(Some(true))) {
        return Ok(());
    }
    for id in matches.ids().filter(|id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)) {
        let id = id.as_str();
        let why = if OF_THE_DAEMON.contains(&id) {
            "the daemon is set up by its file (`teem config`)"
        } else if let Some((_, why)) = APART.iter().find(|(apart, _)| *apart == id) {
            why
        } else {
            continue;
        };
        let Some(subcommand) = command.find_subcommand_mut(name) else { return Ok(()) };
        let long = subcommand.get_arguments().find(|arg| arg.get_id() == id).and_then(clap::Arg::get_long);
        let message = format!("--{} cannot be said with --keep: {why}", long.unwrap_or(id));
        return Err(subcommand.error(ErrorKind::ArgumentConflict, message));
    }
    Ok(())
}
