//! `teem man`: man pages, from the grammar itself; one to standard output, or all of them into a folder.
use crate::cli::{self, Cli};
use crate::exit::{Exit, Outcome, Stop};
use crate::foreign::plain;
use crate::stdout;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::path::Path;
use teem_client::store::{self, Readers};

pub(crate) fn run(options: &cli::Man) -> Outcome {
    // Built as a whole, each command knows the names of those above it.
    let mut top = Cli::command().disable_help_subcommand(true);
    top.build();
    match &options.to {
        Some(folder) => {
            std::fs::create_dir_all(folder)
                .map_err(|e| Stop::local(format!("{} cannot be made: {e}", folder.display())))?;
            write(&top, folder)?;
        }
        None => stdout::bytes(&page(named(&top, &options.command)?)?),
    }
    Ok(Exit::Done)
}

fn named<'c>(top: &'c Command, words: &[String]) -> Result<&'c Command, Stop> {
    words.iter().try_fold(top, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let there: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            Stop::usage(format!("there is no command {}; there is {}", plain(word), there.join(", ")))
        })
    })
}

/// Writes the page of a command and of all below it, and prints their paths.
fn write(command: &Command, folder: &Path) -> Result<(), Stop> {
    let path = folder.join(Man::new(command.clone()).get_filename());
    store::write_whole(&path, &page(command)?, Readers::Usual).map_err(Stop::local)?;
    stdout::path(&path);
    command.get_subcommands().try_for_each(|below| write(below, folder))
}

fn page(command: &Command) -> Result<Vec<u8>, Stop> {
    let mut page = Vec::new();
    let source = format!("teem {}", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).render(&mut page).map_err(Stop::local)?;
    Ok(page)
}
